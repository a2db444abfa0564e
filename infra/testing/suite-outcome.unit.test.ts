import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeSuite } from './suite-outcome.ts';

const summary = (total: number, passed: number, skipped = 0): string =>
  `• • (${passed} / ${total})\n\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  1ms\n\n`;

const judge = (output: string, code: number | null = 0, { timedOut = false, ci = false } = {}) =>
  judgeSuite({ output, code, timedOut }, 60_000, ci);

test('what passed is counted', () => {
  assert.equal(judge(summary(3, 3)), { passed: 3, failed: 0, skipped: 0, missing: [] });
});

test('colours do not hide the summary', () => {
  assert.is(
    judge(summary(3, 3).replace('Passed', '\u001b[32mPassed').replace('Skipped', '\u001b[39mSkipped')).passed,
    3,
  );
});

test('what did not pass is counted', () => {
  const outcome = judge(summary(3, 1), 1);
  assert.is(outcome.failed, 2);
  assert.match(outcome.problem ?? '', '2 of 3 did not pass');
});

test('no summary, no test, an exit code and a time limit are red', () => {
  assert.match(judge('').problem ?? '', 'no summary');
  assert.match(judge(summary(0, 0)).problem ?? '', 'no test registered');
  assert.match(judge(summary(2, 2), 1).problem ?? '', 'exit code 1');
  assert.match(judge(summary(2, 2), null).problem ?? '', 'ended by a signal');
  assert.match(judge(summary(2, 2), 0, { timedOut: true }).problem ?? '', 'not over after 60 s');
  assert.match(judge(summary(2, 2) + summary(4, 4)).problem ?? '', 'more than one summary');
});

test('a skip that says what is missing is a skip, and a failure in CI', () => {
  const output = `skipped: no Postgres on this machine\n${summary(1, 1, 2)}`;
  assert.equal(judge(output), { passed: 1, failed: 0, skipped: 2, missing: ['no Postgres on this machine'] });
  const inCi = judge(output, 0, { ci: true });
  assert.is(inCi.failed, 2);
  assert.match(inCi.problem ?? '', 'no Postgres on this machine');
});

test('a skip that says nothing is red', () => {
  assert.match(judge(summary(1, 1, 1)).problem ?? '', 'skipped: <what is missing>');
});

test.run();
