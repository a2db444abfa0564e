/** A reproducible stream of chance. Never for secrets. */
export interface SeededRandom {
  /** A number in [0, 1), of 32 bits. */
  next(): number;
  /** A whole number in [0, bound). */
  below(bound: number): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
  fill(bytes: Uint8Array): void;
  /** A stream of its own, that depends on this one's seed and the label only, not on what has been drawn. */
  fork(label: string): SeededRandom;
}

/** Mixes a label into a seed: FNV-1a over its characters, in 32 bits. */
const mix = (seed: number, label: string): number => {
  let hash = (seed ^ 0x811c9dc5) >>> 0;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
};

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded by two words. */
const stream = (first: number, second: number): SeededRandom => {
  let a = first | 0;
  let b = second | 0;
  let c = 0x9e3779b9 | 0;
  let counter = 1;
  const draw = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) draw();

  const random: SeededRandom = {
    next: () => draw() / 2 ** 32,
    below: (bound) => Math.floor(random.next() * bound),
    chance: (p) => random.next() < p,
    pick: (list) => list[random.below(list.length)] as (typeof list)[number],
    fill(bytes) {
      for (let i = 0; i < bytes.length; i++) bytes[i] = draw();
    },
    fork: (label) => stream(mix(first, label), mix(second, `${label}'`)),
  };
  return random;
};

/** @param seed a whole number */
export const seededRandom = (seed: number): SeededRandom =>
  stream(seed | 0, Math.floor(seed / 2 ** 32) ^ 0x5bd1e995);
