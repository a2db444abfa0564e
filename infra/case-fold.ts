/**
 * The form in which two texts are the same name: Unicode NFC, lower case. Computed here and stored in a column of its
 * own, because a database's `lower()` depends on its locale.
 */
export const caseFold = (text: string): string => text.normalize('NFC').toLowerCase();
