/** Lone surrogates replaced: Postgres takes no others. */
export const wellFormed = (text: string): string => Buffer.from(text).toString();
