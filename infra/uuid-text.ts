const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` is a UUID in its textual form (RFC 9562). Ids from outside are opaque: one that is not is unknown. */
export const isUuid = (text: string): boolean => UUID.test(text);
