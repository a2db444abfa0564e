import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep } from './runtime.ts';
import { systemRuntime } from './system-runtime.ts';
import { uuidSequence } from './uuid-v7.ts';

const test = suite('system runtime');

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instantOf = (uuid: string): number => Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16);
const zeros = (bytes: Uint8Array): void => void bytes.fill(0);

test('a uuid is a version 7 of the present instant, and each is greater than the one before', () => {
  const runtime = systemRuntime();
  const before = Date.now();
  let last = '';
  for (let i = 0; i < 50_000; i++) {
    const uuid = runtime.uuid();
    assert.match(uuid, V7);
    assert.ok(uuid > last);
    last = uuid;
  }
  assert.ok(instantOf(last) >= before && instantOf(last) <= Date.now() + 100);
});

test('uuids increase while the clock stands, when their counter overflows and when the clock goes back', () => {
  let now = 1_800_000_000_000;
  const next = uuidSequence(() => now, zeros);
  const ids = Array.from({ length: 10_000 }, next);
  now -= 60_000;
  ids.push(next());
  now += 120_000;
  ids.push(next());
  assert.equal(ids, ids.toSorted());
  assert.is(new Set(ids).size, ids.length);
  assert.is(instantOf(ids[0] as string), 1_800_000_000_000);
  assert.is(instantOf(ids.at(-1) as string), now);
});

test('two runtimes do not make the same uuids', () => {
  const [one, two] = [systemRuntime(), systemRuntime()];
  const ids = Array.from({ length: 5_000 }, () => [one.uuid(), two.uuid()]).flat();
  assert.is(new Set(ids).size, ids.length);
});

test('a timer fires once, not when it is cancelled, and not early however far it is', async () => {
  const runtime = systemRuntime();
  const fired: string[] = [];
  runtime.after(1, () => fired.push('short'));
  const cancel = runtime.after(1, () => fired.push('cancelled'));
  const cancelFar = runtime.after(2 ** 31 + 10, () => fired.push('far'));
  cancel();
  const awake = setTimeout(() => {}, 1_000);
  await sleep(runtime, 20);
  clearTimeout(awake);
  cancelFar();
  assert.equal(fired, ['short']);
});

test.run();
