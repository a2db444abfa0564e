/** A UUID's textual form (RFC 9562) in lower case, as a part of patterns. */
export const UUID_TEXT = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const UUID = new RegExp(`^${UUID_TEXT}$`, 'i');

/** Whether `text` is a UUID in its textual form (RFC 9562). Ids from outside are opaque: one that is not is unknown. */
export const isUuid = (text: string): boolean => UUID.test(text);
