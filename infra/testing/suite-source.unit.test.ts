import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_TIME_LIMIT_MS, readSuiteSource } from './suite-source.ts';

const mistakes = (...lines: string[]): readonly string[] => readSuiteSource(lines.join('\n')).mistakes;

test('a suite that ends with run() has no mistake', () => {
  assert.equal(mistakes(`import { test } from 'uvu';`, `test('a', () => {});`, 'test.run();'), []);
});

test('a test() without run() is a mistake, under another name too', () => {
  assert.match(
    mistakes(`import { test } from 'uvu';`, `test('a', () => {});`)[0] ?? '',
    '`test` is never run',
  );
  assert.match(mistakes(`import { test as it } from 'uvu';`)[0] ?? '', '`it` is never run');
});

test('each of two suites must be run', () => {
  const found = mistakes(
    `import { suite } from 'uvu';`,
    `const first = suite('first');`,
    `const second = suite<{ a: number }>('second', { a: 1 });`,
    'first.run();',
  );
  assert.is(found.length, 1);
  assert.match(found[0] ?? '', '`second` is never run');
});

test('suites may be run by a loop, which runs only those that it names', () => {
  const found = mistakes(
    `import { suite } from 'uvu';`,
    `const first = suite('first');`,
    `const second = suite('second');`,
    `const third = suite('third');`,
    'for (const each of [first, second]) each.run();',
  );
  assert.is(found.length, 1);
  assert.match(found[0] ?? '', '`third` is never run');
});

test('a run() that stands in a comment or a string does not count', () => {
  assert.is(mistakes(`import { test } from 'uvu';`, '// test.run();').length, 1);
  assert.is(mistakes(`import { test } from 'uvu';`, `log('test.run()');`).length, 1);
});

test('only is a mistake, and the word in a sentence is not', () => {
  const run = 'test.run();';
  assert.match(
    mistakes(`import { test } from 'uvu';`, `test.only('a', f);`, run)[0] ?? '',
    'leaves the other tests out',
  );
  assert.equal(mistakes(`import { test } from 'uvu';`, `test('no test.only here', f);`, run), []);
});

test('a conformance suite that is only called needs no run()', () => {
  assert.equal(
    mistakes(`import { busConformance } from './conformance.ts';`, 'busConformance(memoryBus);'),
    [],
  );
});

test('the time limit is what the file says, in seconds', () => {
  assert.is(readSuiteSource('// time limit: 180 s').timeLimitMs, 180_000);
  assert.is(readSuiteSource('').timeLimitMs, DEFAULT_TIME_LIMIT_MS);
});

test('a suite runs alone when its file says so', () => {
  assert.ok(readSuiteSource('// runs alone\n').runsAlone);
  assert.not.ok(readSuiteSource("test('runs alone', () => {});").runsAlone);
});

test('a suite that imports the test broker has its jars fetched before its time runs', () => {
  const own = readSuiteSource("import { startOwnPulsar } from '../../testing/pulsar.ts';");
  assert.ok(own.wantsBroker);
  assert.not.ok(readSuiteSource("import { suite } from 'uvu';").wantsBroker);
});

test.run();
