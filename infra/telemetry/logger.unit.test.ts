import { Writable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createLogger } from './logger.ts';
import { addLevel, Counter, createRegistry, type Sample } from './metrics.ts';

const test = suite('logs and metrics');

const logged = async (readable: boolean): Promise<string> => {
  let text = '';
  const log = createLogger({
    name: 'campaign',
    level: 'info',
    readable,
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    destination: new Writable({
      write(line, _encoding, written) {
        text += line;
        written();
      },
    }),
  });
  log.debug('unseen');
  log.info(
    {
      saga: 's-1',
      contract: 'PartnerRegistrado',
      headers: { authorization: 'Bearer abc', 'x-api-key': 'abc' },
    },
    'a message was handled',
  );
  await new Promise((resolve) => setImmediate(resolve));
  return text;
};

test('an event is one line of JSON, with the time of the given clock and without what is secret', async () => {
  const text = await logged(false);
  assert.is(text.trim().split('\n').length, 1);
  const line = JSON.parse(text);
  assert.is(line.service, 'campaign');
  assert.is(line.time, '2026-01-02T03:04:05.000Z');
  assert.is(line.saga, 's-1');
  assert.is(line.msg, 'a message was handled');
  assert.not.match(text, /abc/);
});

test('in a terminal it is one line to read', async () => {
  const text = await logged(true);
  assert.is(text.trim().split('\n').length, 1);
  assert.match(text, /INFO.*a message was handled.*"saga":"s-1"/);
  assert.not.match(text, /abc/);
});

test('every sample says which service it is of', async () => {
  const registry = createRegistry('partner');
  new Counter({ name: 'held_total', help: 'held', registers: [registry] }).inc();
  assert.match(await registry.metrics(), /held_total\{service="partner"\} 1/);
});

test('a level that cannot be read is left out, and everything else is shown', async () => {
  const registry = createRegistry('partner');
  const timers = new Set<() => void>();
  const runtime = {
    after: (_: number, task: () => void) => {
      timers.add(task);
      return () => timers.delete(task);
    },
  };
  const add = (name: string, labelNames: string[], read: () => Promise<Sample[]>) =>
    addLevel(registry, runtime, { name, help: name, labelNames }, read);
  let away = false;
  add('lag', [], async () => {
    if (away) throw new Error('the broker is away');
    return [{ value: 7 }];
  });
  add('held', ['state'], async () =>
    away ? new Promise(() => {}) : [{ labels: { state: 'parked' }, value: 1 }],
  );
  add('pending', [], async () => [{ value: 0 }]);
  const before = await registry.metrics();
  assert.match(before, /^lag\{service="partner"\} 7$/m);
  assert.match(before, /^held\{state="parked",service="partner"\} 1$/m);
  away = true;
  const asked = registry.metrics();
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(timers.size, 1, 'only what has not answered is waited for');
  for (const late of timers) late();
  const text = await asked;
  assert.not.match(text, /^(lag|held)\{/m);
  assert.match(text, /^pending\{service="partner"\} 0$/m);
});

test.run();
