/** Random bytes are drawn and written out for so many ids at a time: two calls out of JavaScript for each would cost more than the id. */
const IDS_AT_ONCE = 512;
const RANDOM_BYTES = 8;
const RANDOM_DIGITS = 2 * RANDOM_BYTES;

/** The third group of an id and its dashes, by the counter that it is. */
const COUNTERS = Array.from(
  { length: 0x1000 },
  (_, counter) => `-7${counter.toString(16).padStart(3, '0')}-`,
);

/**
 * Makes UUIDv7 (RFC 9562, method 1: `rand_a` is a counter that starts anew, in its lower half, each millisecond).
 * Each is greater than the one before; when the clock goes back or the counter overflows the time runs ahead of it.
 * @param now milliseconds since the Unix epoch
 * @param fill fills a buffer with random bytes
 */
export const uuidSequence = (now: () => number, fill: (bytes: Uint8Array) => void): (() => string) => {
  const pool = Buffer.alloc(IDS_AT_ONCE * RANDOM_BYTES);
  let digits = '';
  let used = 0;
  let millis = 0;
  let counter = 0;
  /** The first two groups of an id of this millisecond. */
  let time = '';

  const draw = (): void => {
    fill(pool);
    // RFC 9562's variant stands in the first two bits of each.
    for (let at = 0; at < pool.length; at += RANDOM_BYTES) pool[at] = 0x80 | ((pool[at] as number) & 0x3f);
    digits = pool.toString('hex');
    used = 0;
  };
  /** @param at where the random digits stand that the counter begins with: the last, of those an id ends in */
  const moveTo = (instant: number, at: number): void => {
    millis = instant;
    counter = pool.readUint16BE(at / 2 + RANDOM_BYTES - 2) & 0x7ff;
    const hex = instant.toString(16).padStart(12, '0');
    time = `${hex.slice(0, 8)}-${hex.slice(8)}`;
  };

  return () => {
    if (used === digits.length) draw();
    const at = used;
    used += RANDOM_DIGITS;
    const instant = now();
    if (instant > millis) moveTo(instant, at);
    else if (++counter >= COUNTERS.length) moveTo(millis + 1, at);
    return `${time}${COUNTERS[counter]}${digits.slice(at, at + 4)}-${digits.slice(at + 4, at + RANDOM_DIGITS)}`;
  };
};
