/** What a suite's source says of itself, and what is wrong with it before it has run. */
export interface SuiteSource {
  /** How long the suite may take, in milliseconds: `// time limit: 180 s` in the file, else `DEFAULT_TIME_LIMIT_MS`. */
  readonly timeLimitMs: number;
  /** Whether nothing else may run beside it, as what it says of time would not hold: `// runs alone` in the file. */
  readonly runsAlone: boolean;
  /** Whether it takes the run's Postgres: it names `TEST_DATABASE_URL` or imports `testing/postgres.ts`. */
  readonly wantsPostgres: boolean;
  /** Whether it runs a broker: its jars are fetched before the suites' time runs. */
  readonly wantsBroker: boolean;
  /** Mistakes that uvu answers with green: a suite that is never run, and `.only`. */
  readonly mistakes: readonly string[];
}

export const DEFAULT_TIME_LIMIT_MS = 120_000;

/** `import { suite, test as check } from 'uvu'`, whatever else it imports. */
const UVU_IMPORT = /^import\s*\{([^}]*)\}\s*from\s*['"]uvu['"]/gm;

/** The names that hold a uvu suite: the imported `test`, and whatever `suite(…)` was assigned to. */
const suiteNames = (text: string): string[] => {
  const names: string[] = [];
  let suiteFunction: string | undefined;
  for (const [, list = ''] of text.matchAll(UVU_IMPORT)) {
    for (const item of list.split(',')) {
      const [imported, local = imported] = item.trim().split(/\s+as\s+/);
      if (imported === 'test' && local !== undefined) names.push(local);
      if (imported === 'suite') suiteFunction = local;
    }
  }
  if (suiteFunction !== undefined) {
    const declaration = new RegExp(`^\\s*(?:const|let|var)\\s+(\\w+)\\s*=\\s*${suiteFunction}\\s*[<(]`, 'gm');
    for (const [, name = ''] of text.matchAll(declaration)) names.push(name);
  }
  return names;
};

/** The suites that a loop runs: `for (const each of [first, second]) each.run();`. */
const runInLoop = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^\s*for \(const (\w+) of \[([^\]]*)\]\)\s*\{?\s*\1\.run\(/gm)].flatMap(
      ([, , list = '']) => list.split(',').map((name) => name.trim()),
    ),
  );

/**
 * Reads a suite's text. Pure; it knows no file. Calls count where a line begins with them: one in a comment or in a
 * sentence does not.
 */
export const readSuiteSource = (text: string): SuiteSource => {
  const mistakes: string[] = [];
  const looped = runInLoop(text);
  for (const name of suiteNames(text)) {
    if (!looped.has(name) && !new RegExp(`^\\s*${name}\\.run\\(`, 'm').test(text)) {
      mistakes.push(`\`${name}\` is never run: end the file with \`${name}.run()\``);
    }
    if (new RegExp(`^\\s*${name}\\.only\\(`, 'm').test(text)) {
      mistakes.push(`\`${name}.only\` leaves the other tests out`);
    }
  }
  const limit = /^\s*\/\/ time limit: (\d+) s\b/m.exec(text)?.[1];
  return {
    timeLimitMs: limit === undefined ? DEFAULT_TIME_LIMIT_MS : Number(limit) * 1000,
    runsAlone: /^\s*\/\/ runs alone$/m.test(text),
    wantsPostgres: /testing\/postgres\.ts|TEST_DATABASE_URL/.test(text),
    wantsBroker: /testing\/pulsar\.ts|from '\.\/pulsar\.ts'|pulsar\/broker-jars\.ts|TEST_PULSAR_URL/.test(
      text,
    ),
    mistakes,
  };
};
