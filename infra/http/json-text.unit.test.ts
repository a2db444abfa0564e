import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stringifyJson } from './json-body.ts';
import { Digits, exactly, JsonRefused, parseJson, parseOwnJson } from './json-text.ts';

const test = suite('JSON without loss');

test('every JSON value that JSON.parse reads without loss is read the same', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      if (/"(__proto__|constructor|prototype)":|\\u0000|\\ud[89a-f]/i.test(text)) return;
      assert.equal(parseJson(text), JSON.parse(text));
      assert.is(stringifyJson(parseJson(text)), JSON.stringify(JSON.parse(text)));
    }),
  );
});

test('a text with something taken out, doubled or exchanged is read as JSON.parse reads it, or refused by both', () => {
  const sample = '{"a":[1,-2.5e3,true,null],"b":{"c":"ñ\\n\\u00e9"} }';
  fc.assert(
    fc.property(
      fc.nat(sample.length),
      fc.nat(4),
      fc.constantFrom('', '"', '{', ']', ',', '0', '.', 'e', '\\'),
      (at, cut, put) => {
        const text = sample.slice(0, at) + put + sample.slice(at + cut);
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          assert.throws(
            () => parseJson(text),
            (error: unknown) => error instanceof JsonRefused,
          );
          return;
        }
        assert.equal(parseJson(text), expected);
      },
    ),
    { numRuns: 2_000 },
  );
});

const refused: readonly [string, string, string][] = [
  ['', 'JSON_MALFORMADO', ''],
  ['{"a":1', 'JSON_MALFORMADO', ''],
  ['{"a":1} x', 'JSON_MALFORMADO', ''],
  ['{"a":01}', 'JSON_MALFORMADO', ''],
  ['{"a":+1}', 'JSON_MALFORMADO', '/a'],
  ['{"a":NaN}', 'JSON_MALFORMADO', '/a'],
  ["{'a':1}", 'JSON_MALFORMADO', ''],
  ['{"a":"\n"}', 'JSON_MALFORMADO', '/a'],
  ['{"a":1,"a":2}', 'CAMPO_REPETIDO', '/a'],
  ['{"x":[{"a":1,"\\u0061":2}]}', 'CAMPO_REPETIDO', '/x/0/a'],
  ['{"__proto__":{"a":1}}', 'CAMPO_PROHIBIDO', '/__proto__'],
  ['{"\\u005f_proto__":1}', 'CAMPO_PROHIBIDO', '/__proto__'],
  ['{"a":{"constructor":1}}', 'CAMPO_PROHIBIDO', '/a/constructor'],
  ['{"a":"\\u0000"}', 'TEXTO_INVALIDO', '/a'],
  ['{"a":["x","\\ud800"]}', 'TEXTO_INVALIDO', '/a/1'],
  ['{"\\udc00":1}', 'TEXTO_INVALIDO', '/\udc00'],
  ['{"a/b~c":"\\udc00\\ud800"}', 'TEXTO_INVALIDO', '/a~1b~0c'],
  ['['.repeat(33), 'DEMASIADO_PROFUNDO', '/0'.repeat(32)],
  ['{"a":'.repeat(100_000), 'DEMASIADO_PROFUNDO', '/a'.repeat(32)],
];

for (const [text, code, pointer] of refused)
  test(`${JSON.stringify(text.slice(0, 40))} is refused as ${code} at «${pointer.slice(0, 20)}»`, () => {
    try {
      parseJson(text);
    } catch (error) {
      assert.instance(error, JsonRefused);
      assert.equal([(error as JsonRefused).code, (error as JsonRefused).pointer], [code, pointer]);
      return;
    }
    assert.unreachable('it was accepted');
  });

test('a whole surrogate pair and text in any script are kept', () => {
  assert.equal(parseJson('"\\ud83d\\ude00 ñ 漢字 עברית"'), '😀 ñ 漢字 עברית');
});

test('a number that a double cannot hold keeps its digits, in and out', () => {
  const text = '{"a":9007199254740993,"b":0.1,"c":1e999,"d":1234567890123456.78}';
  const value = parseJson(text) as Record<string, unknown>;
  assert.instance(value.a, Digits);
  assert.is(value.b, 0.1);
  assert.is(stringifyJson(value), text);
});

test('what a service wrote is read with every digit of its numbers, wherever they stand', () => {
  const digits = fc
    .integer({ min: 1, max: 20 })
    .chain((length) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`)));
  const number = fc
    .tuple(
      fc.boolean(),
      fc.oneof(
        fc.constant('0'),
        digits.map((text) => `1${text}`),
      ),
      fc.option(digits, { freq: 1 }),
      fc.option(fc.integer({ min: -400, max: 400 }), { freq: 1 }),
    )
    .map(([negative, whole, fraction, power]) =>
      [negative ? '-' : '', whole, fraction && `.${fraction}`, power !== null && `e${power}`]
        .filter((part) => part)
        .join(''),
    );
  fc.assert(
    fc.property(number, number, fc.constantFrom('', ' ', '\n'), (a, b, space) => {
      for (const text of [a, `[${space}${a},${space}${b}]`, `{"id":"1e5","a":${space}${a},"b":[[${b}]]}`])
        assert.equal(parseOwnJson(text), parseJson(text), text);
    }),
    { numRuns: 2_000 },
  );
});

test('a number is exact when its double gives back every digit', () => {
  for (const text of [
    '0',
    '-0',
    '1.0',
    '1e3',
    '0.1',
    '1e-7',
    '123456789012345',
    '5e-324',
    '1.7976931348623157e308',
  ])
    assert.is(exactly(text), Number(text), text);
  for (const text of [
    '1e999',
    '-1e999',
    '9007199254740993',
    '0.1234567890123456789',
    '1e-400',
    '1e99999999999',
  ])
    assert.is(exactly(text), undefined, text);
});

test.run();
