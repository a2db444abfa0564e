import { v5 } from 'uuid';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { uuidV5 } from './uuid-v5.ts';

const test = suite('UUIDv5');

for (const name of ['', 'partner/0', 'campaña ñ 🧗', 'x'.repeat(165), 'x'.repeat(166), '🧗'.repeat(2_000)])
  test(`of ${name.length} code units is what package uuid makes`, () => {
    for (const namespace of [v5.URL, v5(name, v5.DNS), 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'])
      assert.is(uuidV5(name, namespace), v5(name, namespace));
  });

test('of a known name is the one of RFC 9562, appendix A.4', () => {
  assert.is(uuidV5('www.example.com', v5.DNS), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

test('is refused in a namespace that is no UUID', () => {
  for (const namespace of ['', 'partner', `${v5.URL}0`, v5.URL.replace('6', 'g')])
    assert.throws(() => uuidV5('name', namespace), /no namespace/);
});

test.run();
