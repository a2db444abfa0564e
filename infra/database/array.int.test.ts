import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ArrayType, array } from './array.ts';
import { statement } from './database.ts';
import { type TestDatabase, testDatabases } from './testing/databases.ts';

/** Text that a text form of arrays, or a careless one of strings, would garble. */
const awkward = fc.constantFrom(
  '',
  ' ',
  'NULL',
  'null',
  '"',
  '""',
  '\\',
  '\\\\"',
  "'",
  "''",
  '{',
  '}',
  '{}',
  ',',
  '{a,b}',
  '\t',
  '\n',
  '\r\n',
  '\\N',
  '\\x00',
  'ñ',
  'n\u0303',
  '😀',
  '👩‍👩‍👧‍👦',
  '\ud7ff',
  '\uffff',
  '\u{10ffff}',
  '\u0001',
  '\ufeff',
  '__proto__',
  '$1',
  '%s',
);
/** Postgres holds neither NUL nor, in UTF8, half a surrogate pair. */
const text = fc.oneof(
  awkward,
  fc.array(awkward).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }).map((value) => value.toWellFormed().replaceAll('\0', '')),
);
const json = fc
  .jsonValue({ depthSize: 'small', maxDepth: 4, stringUnit: 'grapheme' })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '')) as unknown)
  .filter((value) => value !== null); // an element null is SQL's
/** Milliseconds between the years 1 and 9999, which timestamptz and Date both hold; pg reads years as they are. */
const instant = fc.date({
  min: new Date('0001-01-02T00:00:00Z'),
  max: new Date('9999-12-30T00:00:00Z'),
  noInvalidDate: true,
});
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.integer({ min: 0, max: 20 }))
  .map(([digits, scale]) => {
    const padded = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
    const point = padded.length - scale;
    const value = scale === 0 ? padded : `${padded.slice(0, point)}.${padded.slice(point)}`;
    return digits < 0n ? `-${value}` : value;
  });

/** What goes in, and how it comes out when that is not the same. */
const elements: Record<ArrayType, fc.Arbitrary<unknown>> = {
  uuid: fc.uuid(),
  int2: fc.integer({ min: -32_768, max: 32_767 }),
  int4: fc.integer(),
  int8: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text,
  bytea: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  json,
  jsonb: json,
  timestamptz: instant,
  bool: fc.boolean(),
  numeric: decimal,
};

const roundTrips = ({ name, database, close }: TestDatabase): void => {
  const test = suite(`arrays on ${name}`);
  test.after(close);

  /** Through unnest, as every set-based statement reads it: a row an element. */
  const through = async (type: ArrayType, values: readonly unknown[]): Promise<unknown[]> => {
    const echo = statement(
      `test.unnest.${type}`,
      `SELECT e.value FROM unnest($1::${type}[]) WITH ORDINALITY AS e (value, at) ORDER BY at`,
    );
    return (await database.query<{ value: unknown }>(echo, [array(type, values)])).map((row) => row.value);
  };

  for (const type of Object.keys(elements) as ArrayType[]) {
    test(`any array of ${type} comes back as it was sent, nulls and emptiness included`, async () => {
      const values = fc.array(fc.option(elements[type], { freq: 5 }), { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(values, async (sent) => {
          assert.equal(await through(type, sent), sent);
        }),
        { numRuns: 60, examples: [[[]], [[null]], [[null, null]]] },
      );
    });
  }

  test('a null before the first bytes corrupts nothing', async () => {
    const values = [null, Buffer.from('after a null'), Buffer.alloc(0), null, Buffer.of(0, 255)];
    assert.equal(await through('bytea', values), values);
  });

  test('the text NULL is not the value null', async () => {
    assert.equal(await through('text', ['NULL', null, '"NULL"']), ['NULL', null, '"NULL"']);
  });

  test('decimals keep each zero behind the point, and none before it', async () => {
    const values = ['0', '0.00', '-0.00', '0.0001', '10000', '-10000.10', '100000000', '0.00010000', '007'];
    const read = ['0', '0.00', '0.00', '0.0001', '10000', '-10000.10', '100000000', '0.00010000', '7'];
    assert.equal(await through('numeric', values), read);
  });

  test('safe numbers are longs too, and any Uint8Array is bytes', async () => {
    assert.equal(await through('int8', [-1, Number.MAX_SAFE_INTEGER]), [-1n, 9_007_199_254_740_991n]);
    assert.equal(await through('bytea', [Uint8Array.of(1, 2, 3, 4).subarray(1, 3)]), [Buffer.of(2, 3)]);
  });

  test('ten thousand elements are no more than one parameter', async () => {
    const values = Array.from({ length: 10_000 }, (_, i) => `key ${i}`);
    assert.equal(await through('text', values), values);
  });

  test.run();
};

for (const each of await testDatabases('arrays')) roundTrips(each);
