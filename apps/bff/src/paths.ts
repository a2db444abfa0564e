/**
 * The spellings of a path that look the same: composed (as in `ñ`, U+00F1) and decomposed (`n` and U+0303). The router
 * compares code points.
 */
export const spellings = (path: string): readonly string[] => [
  ...new Set([path.normalize('NFC'), path.normalize('NFD')]),
];
