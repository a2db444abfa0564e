import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SchemaJson } from './fingerprint.ts';
import { parseSchema, SchemaError } from './shape.ts';

const withField = (field: Record<string, unknown>): SchemaJson => ({
  type: 'record',
  name: 'Pedido',
  namespace: 'cordada.ventas',
  fields: [{ name: 'campo', ...field }],
});
const withType = (type: unknown): SchemaJson => withField({ type });

const REFUSED: readonly (readonly [string, SchemaJson, RegExp])[] = [
  ['no record', 'string', /a message is a record/],
  [
    'an unknown logical type',
    withType({ type: 'string', logicalType: 'uuid' }),
    /no attribute "logicalType"/,
  ],
  [
    'a logical type that longs do not have',
    withType({ type: 'long', logicalType: 'timestamp-micros' }),
    /campo: unknown logical type "timestamp-micros"/,
  ],
  [
    'a misspelt logicalType',
    withType({ type: 'long', logicaltype: 'timestamp-millis' }),
    /no attribute "logicaltype"/,
  ],
  ['a decimal without precision', withType({ type: 'bytes', logicalType: 'decimal', scale: 2 }), /precision/],
  [
    'a scale above the precision',
    withType({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 }),
    /scale/,
  ],
  ['an alias', withField({ type: 'string', aliases: ['otro'] }), /no attribute "aliases"/],
  ['a union of two types', withType(['int', 'string']), /null and one other type/],
  ['a union of three', withType(['null', 'int', 'string']), /null and one other type/],
  ['a bare null', withType('null'), /optional union/],
  ['a type that is not defined', withType('Nada'), /unknown type "Nada"/],
  [
    'a default of another type',
    withField({ type: 'string', default: 1 }),
    /campo: the default 1 is not of its type/,
  ],
  [
    'a default of the second branch',
    withField({ type: ['null', 'string'], default: '' }),
    /default "" is not of its type/,
  ],
  [
    'a null default of the first branch',
    withField({ type: ['string', 'null'], default: null }),
    /default null/,
  ],
  ['an int default out of range', withField({ type: 'int', default: 2 ** 31 }), /default 2147483648/],
  [
    'an enum default that is no symbol',
    withType({ type: 'enum', name: 'E', symbols: ['A'], default: 'B' }),
    /no symbol/,
  ],
  [
    'a default of items of another type',
    withField({ type: { type: 'array', items: 'int' }, default: ['1'] }),
    /not of its type/,
  ],
  [
    'an empty decimal as default',
    withField({ type: { type: 'bytes', logicalType: 'decimal', precision: 4 }, default: '' }),
    /not of its type/,
  ],
  [
    'a record without fields',
    withType({ type: 'array', items: { type: 'record', name: 'Nada', fields: [] } }),
    /a record has fields/,
  ],
  [
    'a field called __proto__',
    { type: 'record', name: 'P', fields: [{ name: '__proto__', type: 'int' }] },
    /__proto__ cannot be a name/,
  ],
  [
    'two fields of one name',
    {
      type: 'record',
      name: 'P',
      fields: [
        { name: 'a', type: 'int' },
        { name: 'a', type: 'int' },
      ],
    },
    /a: a field of that name/,
  ],
  [
    'two types of one name',
    { type: 'record', name: 'P', fields: [{ name: 'a', type: { type: 'fixed', name: 'P', size: 1 } }] },
    /defined twice/,
  ],
];

for (const [what, schema, reason] of REFUSED) {
  test(`a schema with ${what} is refused with the reason`, () => {
    assert.throws(
      () => parseSchema(schema),
      (error: Error) => error instanceof SchemaError && reason.test(error.message),
    );
  });
}

test('names resolve within their namespace, and a record may contain itself', () => {
  const { fields } = parseSchema({
    type: 'record',
    name: 'Nodo',
    namespace: 'cordada.ventas',
    fields: [
      { name: 'hijos', type: { type: 'array', items: 'Nodo' }, default: [] },
      { name: 'padre', type: ['null', 'cordada.ventas.Nodo'], default: null },
    ],
  });
  const [hijos, padre] = fields;
  assert.is(hijos?.shape.kind === 'array' && hijos.shape.items.kind, 'record');
  assert.is(padre?.shape.kind === 'optional' && padre.shape.value.kind, 'record');
});

test.run();
