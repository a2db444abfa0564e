declare const encoded: unique symbol;

/**
 * Text as it is sent: UTF-8, a character a byte (Latin-1), so that its length is that of its bytes. What is sent often is
 * kept so: Node writes it as it is, where encoding it for each answer takes up to a tenth of a whole request.
 */
export type Utf8 = string & { readonly [encoded]: true };

export const encodeUtf8 = (text: string): Utf8 => Buffer.from(text).toString('latin1') as Utf8;

export const bytesOf = (text: Utf8): Buffer => Buffer.from(text, 'latin1');

export const decodeUtf8 = (text: Utf8): string => bytesOf(text).toString();
