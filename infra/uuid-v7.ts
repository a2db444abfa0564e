const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

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
  let timeHex = '';

  const moveTo = (instant: number, start: number): void => {
    millis = instant;
    counter = start & 0x7ff;
    const hex = instant.toString(16).padStart(12, '0');
    timeHex = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
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
    const randA = counter.toString(16).padStart(3, '0');
    const variant = HEX[0x80 | (byte(0) & 0x3f)];
    return `${timeHex}${randA}-${variant}${HEX[byte(1)]}-${HEX[byte(2)]}${HEX[byte(3)]}${HEX[byte(4)]}${HEX[byte(5)]}${HEX[byte(6)]}${HEX[byte(7)]}`;
  };
};
