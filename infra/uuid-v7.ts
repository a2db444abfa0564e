/** The hex digits, by value, as code units. */
const DIGITS = Buffer.from('0123456789abcdef');
/** Where the digit pairs of the eight random bytes stand in the textual form. */
const PAIRS = [19, 21, 24, 26, 28, 30, 32, 34] as const;

/** Random bytes are drawn so many at a time: a call into the system for each id would cost more than the id. */
const POOL_BYTES = 8 * 512;

/**
 * Makes UUIDv7 (RFC 9562, method 1: `rand_a` is a counter that starts anew, in its lower half, each millisecond).
 * Each is greater than the one before; when the clock goes back or the counter overflows the time runs ahead of it.
 * @param now milliseconds since the Unix epoch
 * @param fill fills a buffer with random bytes
 */
export const uuidSequence = (now: () => number, fill: (bytes: Uint8Array) => void): (() => string) => {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  let millis = 0;
  let counter = 0;
  /** The text of the one before: what stays is not written again. */
  const text = Buffer.from('00000000-0000-7000-0000-000000000000');

  const moveTo = (instant: number, start: number): void => {
    millis = instant;
    counter = start & 0x7ff;
    const hex = instant.toString(16).padStart(12, '0');
    text.write(hex.slice(0, 8), 0);
    text.write(hex.slice(8), 9);
  };

  return () => {
    if (used === POOL_BYTES) {
      fill(pool);
      used = 0;
    }
    const at = used;
    used += 8;
    const byte = (i: number): number => pool[at + i] as number;
    const instant = now();
    if (instant > millis) moveTo(instant, (byte(0) << 8) | byte(7));
    else if (++counter > 0xfff) moveTo(millis + 1, (byte(0) << 8) | byte(7));
    text[15] = DIGITS[counter >> 8] as number;
    text[16] = DIGITS[(counter >> 4) & 15] as number;
    text[17] = DIGITS[counter & 15] as number;
    for (let i = 0; i < 8; i++) {
      const value = i === 0 ? 0x80 | (byte(0) & 0x3f) : byte(i);
      const to = PAIRS[i] as number;
      text[to] = DIGITS[value >> 4] as number;
      text[to + 1] = DIGITS[value & 15] as number;
    }
    return text.toString('latin1');
  };
};
