import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  isTraceparent,
  newTrace,
  nextSpan,
  readTraceparent,
  spanWithin,
  traceIdOf,
} from './trace-context.ts';

const test = suite('W3C Trace Context');

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';
const id = '0195510e-7c00-7abc-8def-0123456789ab';

for (const [header, read] of [
  [`00-${trace}-${span}-01`, `00-${trace}-${span}-01`],
  [`00-${trace}-${span}-00`, `00-${trace}-${span}-00`],
  [`cc-${trace}-${span}-01`, `00-${trace}-${span}-01`],
  [`01-${trace}-${span}-01-what-the-future-brings`, `00-${trace}-${span}-01`],
] as const)
  test(`${header} is read as ${read}`, () => {
    assert.is(readTraceparent(header), read);
  });

for (const header of [
  undefined,
  '',
  'x',
  '00',
  `00-${trace}-${span}`,
  `00-${trace}-${span}-1`,
  `00-${trace}-${span}-01-`,
  `00-${trace}-${span}-01-more`,
  ` 00-${trace}-${span}-01`,
  `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${'0'.repeat(32)}-${span}-01`,
  `00-${trace}-${'0'.repeat(16)}-01`,
  `00-${trace.slice(1)}g-${span}-01`,
  `ff-${trace}-${span}-01`,
  `cc-${'0'.repeat(32)}-${span}-01`,
  `cc-${trace}-${span}-01x`,
  `cc-${trace}-${span}-01-${'x'.repeat(1_000)}`,
])
  test(`${header?.slice(0, 90)} is no trace`, () => {
    assert.is(readTraceparent(header), undefined);
  });

test('a span stays in the trace of its parent, and keeps its flags', () => {
  const parent = `00-${trace}-${span}-00`;
  const next = nextSpan(parent, id);
  assert.is(next, `00-${trace}-8def0123456789ab-00`);
  assert.is(spanWithin(parent, id), next);
  assert.is(traceIdOf(next), trace);
});

test('what has no parent begins a trace, named after its id', () => {
  for (const none of ['', 'x', `00-${'0'.repeat(32)}-${span}-01`])
    assert.is(nextSpan(none, id), newTrace(id));
  assert.is(spanWithin('', id), newTrace(id));
  assert.ok(isTraceparent(newTrace(id)));
  assert.is(traceIdOf(newTrace(id)), id.replaceAll('-', ''));
  assert.is(traceIdOf(''), undefined);
});

test.run();
