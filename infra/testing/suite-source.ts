/** What a suite's source says of itself, and what is wrong with it before it has run. */
export interface SuiteSource {
  /** How long the suite may take, in milliseconds: `// time limit: 180 s` in the file, else `DEFAULT_TIME_LIMIT_MS`. */
  readonly timeLimitMs: number;
  /** Whether it takes the run's Postgres: it names `TEST_DATABASE_URL` or imports `testing/postgres.ts`. */
  readonly wantsPostgres: boolean;
  /** Mistakes that uvu answers with green: a suite that is never run, and `.only`. */
  readonly mistakes: readonly string[];
}

export const DEFAULT_TIME_LIMIT_MS = 60_000;

/** `import { suite, test as check } from 'uvu'`, whatever else it imports. */
const UVU_IMPORT = /^import\s*\{([^}]*)\}\s*from\s*['"]uvu['"]/gm;

/** Code without its comments and with emptied strings, so that a word in a sentence is no call. */
const codeOf = (text: string): string =>
  text.replace(
    /\/\*[\s\S]*?\*\/|(^|[^:'"`\\])\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\$]|\$(?!\{))*`/g,
    (match, before: string | undefined) => (/^['"`]/.test(match) ? `''` : (before ?? '')),
  );

/** The names in `code` that hold a uvu suite: the imported `test`, and whatever `suite(…)` was assigned to. */
const suiteNames = (text: string, code: string): string[] => {
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
    const declaration = new RegExp(`(?:const|let|var)\\s+(\\w+)\\s*=\\s*${suiteFunction}\\s*[<(]`, 'g');
    for (const [, name = ''] of code.matchAll(declaration)) names.push(name);
  }
  return names;
};

/** The suites that a loop runs: `for (const each of [first, second]) each.run();`. */
const runInLoop = (code: string): Set<string> =>
  new Set(
    [...code.matchAll(/\bfor \(const (\w+) of \[([^\]]*)\]\)\s*\{?\s*\1\.run\(/g)].flatMap(
      ([, , list = '']) => list.split(',').map((name) => name.trim()),
    ),
  );

/** Reads a suite's text. Pure; it knows no file. */
export const readSuiteSource = (text: string): SuiteSource => {
  const code = codeOf(text);
  const mistakes: string[] = [];
  const names = suiteNames(text, code);
  const looped = runInLoop(code);
  for (const name of names) {
    if (!looped.has(name) && !new RegExp(`\\b${name}\\s*\\.\\s*run\\s*\\(`).test(code)) {
      mistakes.push(`\`${name}\` is never run: end the file with \`${name}.run()\``);
    }
    if (new RegExp(`\\b${name}\\s*\\.\\s*only\\b`).test(code)) {
      mistakes.push(`\`${name}.only\` leaves the other tests out`);
    }
  }
  const limit = /^\s*\/\/ time limit: (\d+) s\b/m.exec(text)?.[1];
  return {
    timeLimitMs: limit === undefined ? DEFAULT_TIME_LIMIT_MS : Number(limit) * 1000,
    wantsPostgres: /testing\/postgres\.ts|TEST_DATABASE_URL/.test(text),
    mistakes,
  };
};
