import { stripVTControlCharacters } from 'node:util';

/** How the process of one suite ended. */
export interface SuiteProcess {
  readonly output: string;
  /** Its exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly timedOut: boolean;
}

export interface SuiteOutcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the suite is red; undefined when it is not. */
  readonly problem?: string;
  /** What the suite says is missing where it skipped tests. */
  readonly missing: readonly string[];
}

const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;

/**
 * Judges a suite by its process, stricter than uvu, which is green when no test was registered, when `before` threw,
 * and when the process ended before its summary. A suite that skips a test says what is missing: a line of its output
 * begins with `skipped: `.
 * @param skipsFail whether a skipped test is a failure, as it is in CI
 */
export const judgeSuite = (process: SuiteProcess, timeLimitMs: number, skipsFail: boolean): SuiteOutcome => {
  const output = stripVTControlCharacters(process.output);
  const summaries = [...output.matchAll(SUMMARY)].map((match) => match.slice(1).map(Number));
  const [total = 0, passed = 0, skipped = 0] = summaries[0] ?? [];
  const missing = [...output.matchAll(/^skipped: (.+)$/gm)].map((match) => match[1] ?? '');

  const red = (problem: string): SuiteOutcome => ({
    passed,
    failed: Math.max(1, total - passed),
    skipped,
    problem,
    missing,
  });
  const exit = process.code === null ? 'ended by a signal' : `exit code ${process.code}`;
  if (process.timedOut)
    return red(`not over after ${timeLimitMs / 1000} s (an open handle, or too short a limit)`);
  if (summaries.length === 0) return red(`no summary, ${exit}`);
  if (summaries.length > 1)
    return red('more than one summary: every `.run()` belongs in one turn, without await between');
  if (total !== passed) return red(`${total - passed} of ${total} did not pass, ${exit}`);
  if (process.code !== 0) return red(exit);
  if (total === 0 && skipped === 0) return red('no test registered');
  if (skipped > 0 && missing.length === 0)
    return red('skips tests, and prints no line `skipped: <what is missing>`');
  if (skipped > 0 && skipsFail)
    return { ...red(`skipped in CI: ${missing.join('; ')}`), skipped: 0, failed: skipped };
  return { passed, failed: 0, skipped, missing };
};
