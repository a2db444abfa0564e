import avro from 'avsc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalForm, fingerprintOf, type SchemaJson } from './fingerprint.ts';

/** Schemas and their fingerprints as signed 64-bit numbers: Apache Avro, `share/test/data/schema-tests.txt`. */
const VECTORS: readonly (readonly [SchemaJson, bigint])[] = [
  ['null', 7195948357588979594n],
  ['boolean', -6970731678124411036n],
  ['int', 8247732601305521295n],
  ['long', -3434872931120570953n],
  ['float', 5583340709985441680n],
  ['double', -8181574048448539266n],
  ['bytes', 5746618253357095269n],
  ['string', -8142146995180207161n],
  [{ type: 'string' }, -8142146995180207161n],
  [['int'], -5232228896498058493n],
  [['int', 'boolean'], 5392556393470105090n],
  [{ fields: [], type: 'record', name: 'foo' }, -4824392279771201922n],
  [{ fields: [], type: 'record', name: 'foo', namespace: 'x.y' }, 5916914534497305771n],
  [{ fields: [], type: 'record', name: 'a.b.foo' }, -4616218487480524110n],
  [{ fields: [], type: 'record', name: 'foo', doc: 'Useful info' }, -4824392279771201922n],
  [
    { fields: [{ type: { type: 'boolean' }, name: 'f1' }], type: 'record', name: 'foo' },
    7843277075252814651n,
  ],
  [{ type: 'enum', name: 'foo', symbols: ['A1'] }, -6342190197741309591n],
  [{ items: { type: 'null' }, type: 'array' }, -589620603366471059n],
  [{ values: 'string', type: 'map' }, -8732877298790414990n],
  [{ type: 'fixed', name: 'foo', size: 15 }, 1756455273707447556n],
];

for (const [schema, fingerprint] of VECTORS) {
  test(`the fingerprint of ${JSON.stringify(schema)} is the one that Avro publishes`, () => {
    assert.is(BigInt.asIntN(64, BigInt(`0x${fingerprintOf(schema)}`)), fingerprint);
  });
}

test('docs, defaults and logical types do not change the canonical form, which is what avsc makes of it too', () => {
  const schema = {
    type: 'record',
    name: 'Pedido',
    namespace: 'cordada.ventas',
    doc: 'A document',
    fields: [
      { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
      { name: 'nota', type: ['null', 'string'], default: null, doc: 'optional' },
      { name: 'estado', type: { type: 'enum', name: 'Estado', symbols: ['A', 'B'] } },
      { name: 'antes', type: { type: 'array', items: 'Estado' } },
      { name: 'datos', type: { type: 'map', values: { type: 'fixed', name: 'otra.Clave', size: 4 } } },
    ],
  };
  const form = canonicalForm(schema);
  assert.is(form, JSON.stringify(avro.Type.forSchema(schema as avro.Schema).schema()));
  assert.not.match(form, /doc|default|logicalType/);
});

test('a fingerprint has 16 digits, leading zeros included', () => {
  const names = Array.from({ length: 64 }, (_, n) =>
    fingerprintOf({ type: 'fixed', name: `F${n}`, size: 1 }),
  );
  assert.ok(names.every((fingerprint) => /^[0-9a-f]{16}$/.test(fingerprint)));
});

test.run();
