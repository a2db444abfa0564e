const DASH = 0x2d;
/** By code unit: the value of a hex digit, 255 where it is none. */
const NIBBLES = new Uint8Array(128).fill(0xff);
for (const digit of '0123456789abcdefABCDEF') NIBBLES[digit.charCodeAt(0)] = Number.parseInt(digit, 16);
/** Where the digit pairs of a UUID stand in its textual form. */
const PAIRS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;
const DASHES = [8, 13, 18, 23] as const;

/**
 * Writes the 16 bytes of a UUID (RFC 9562).
 * @param text its textual form
 * @param at where they begin in `target`
 * @returns false where `text` is none; then `target` may hold a part of it
 */
export const writeUuid = (text: string, target: Uint8Array, at: number): boolean => {
  if (text.length !== 36) return false;
  for (const dash of DASHES) if (text.charCodeAt(dash) !== DASH) return false;
  let to = at;
  for (const pair of PAIRS) {
    // What is no ASCII has no place in the table, and so no value: it counts as 255 too.
    const high = NIBBLES[text.charCodeAt(pair)] ?? 0xff;
    const low = NIBBLES[text.charCodeAt(pair + 1)] ?? 0xff;
    if (high > 15 || low > 15) return false;
    target[to++] = (high << 4) | low;
  }
  return true;
};
