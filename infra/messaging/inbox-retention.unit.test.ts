import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Runtime } from '../runtime.ts';
import { forgetOldClaims } from './inbox-retention.ts';

const test = suite('the retention of the inbox');

test('claims go only when the consumer would no longer handle their messages, and a failure is tried again', async () => {
  let now = 10_000_000;
  let due: (() => void) | undefined;
  const runtime: Runtime = {
    now: () => now,
    after: (ms, task) => {
      due = () => {
        now += ms;
        task();
      };
      return () => {
        due = undefined;
      };
    },
    random: () => 0,
    uuid: () => '',
  };
  const asked: number[] = [];
  const warned: string[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    warn: (_: object, text: string) => void warned.push(text),
    error: () => {},
  };
  const forgetClaims = async (before: Date): Promise<void> => {
    asked.push(now - before.getTime());
    if (asked.length === 1) throw new Error('away');
  };
  const answers: number[] = [];
  const forgetRequests = async (before: Date): Promise<void> => void answers.push(now - before.getTime());
  const store = { forgetClaims, forgetRequests };
  const end = forgetOldClaims({ store, runtime, log, retentionMs: 1_000, everyMs: 500 });
  for (let i = 0; i < 2; i++) {
    due?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.is(asked.length, 2);
  for (const age of asked) assert.ok(age > 1_000);
  assert.equal(answers, asked.slice(1), 'answers to keyed requests go with them');
  assert.is(warned.length, 1);
  end();
  assert.is(due, undefined);
});

test.run();
