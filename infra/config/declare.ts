/** One variable of the environment: what it is when absent, how its text is read, what it is for. */
export interface Setting<Value> {
  readonly initial: Value;
  /** What README and the card show as the default. */
  readonly shown: string;
  readonly description: string;
  /** @throws Error with what the value must be */
  read(text: string): Value;
}

/** What a table of settings reads as. */
export type Settings<Table extends Record<string, Setting<unknown>>> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never;
};

/** The environment is not what we can start with; a line for each fault. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

const parsed = <Value>(
  initial: Value,
  read: (text: string) => Value,
  description: string,
): Setting<Value> => ({
  initial,
  shown: Array.isArray(initial) ? '' : String(initial),
  description,
  read,
});

export const declare = {
  parsed,
  text: (initial: string, description: string): Setting<string> =>
    parsed(initial, (text) => text, description),
  /** A whole number from `least` to `most`, both included. */
  integer: (initial: number, least: number, most: number, description: string): Setting<number> =>
    parsed(
      initial,
      (text) => {
        const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
        if (!(value >= least && value <= most))
          throw new Error(`must be a whole number from ${least} to ${most}`);
        return value;
      },
      description,
    ),
  oneOf: <const Choice extends string>(
    initial: Choice,
    choices: readonly Choice[],
    description: string,
  ): Setting<Choice> =>
    parsed(
      initial,
      (text) => {
        const choice = choices.find((candidate) => candidate === text);
        if (choice === undefined) throw new Error(`must be one of ${choices.join(', ')}`);
        return choice;
      },
      description,
    ),
  /** @param schemes with their colon: `http:` */
  url: (initial: string, schemes: readonly string[], description: string): Setting<string> =>
    parsed(
      initial,
      (text) => {
        if (!URL.canParse(text) || !schemes.includes(new URL(text).protocol))
          throw new Error(`must be a URL that begins with ${schemes.join(' or ')}`);
        return text;
      },
      description,
    ),
  /** One address or more, separated by commas; without a slash at the end. */
  urls: (schemes: readonly string[], description: string): Setting<readonly string[]> =>
    parsed<readonly string[]>(
      [],
      (text) => {
        const urls = text.split(',').map((url) => url.trim().replace(/\/+$/, ''));
        if (urls.some((url) => !URL.canParse(url) || !schemes.includes(new URL(url).protocol)))
          throw new Error(`must be URLs that begin with ${schemes.join(' or ')}, separated by commas`);
        if (new Set(urls).size < urls.length) throw new Error('names an address twice');
        return urls;
      },
      description,
    ),
  /** May be absent, and is undefined then. */
  optional: <Value>(setting: Setting<Value>): Setting<Value | undefined> => ({
    ...setting,
    initial: undefined,
    shown: '',
  }),
};

/**
 * Whether `name` differs from `known` by one letter: one more, one less, one other, two neighbours exchanged, or by
 * nothing but capitals.
 */
export const isOneLetterOff = (name: string, known: string): boolean => {
  if (name === known) return false;
  const [asked, wanted] = [name.toUpperCase(), known.toUpperCase()];
  if (asked === wanted) return true;
  if (Math.abs(asked.length - wanted.length) > 1) return false;
  let start = 0;
  while (start < asked.length && asked[start] === wanted[start]) start += 1;
  const [a, b] = [asked.slice(start), wanted.slice(start)];
  return (
    a.slice(1) === b.slice(1) ||
    a.slice(1) === b ||
    a === b.slice(1) ||
    (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  );
};
