import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contracts } from '../generated/contracts.ts';
import { defineContract } from './codec.ts';
import { type Contract, ContractError } from './contract.ts';
import { fingerprintOf, type SchemaJson } from './fingerprint.ts';
import { BOUNDS } from './scan.ts';

const recordOf = (type: unknown): SchemaJson => ({
  type: 'record',
  name: 'Pedido',
  fields: [{ name: 'campo', type }],
});

// biome-ignore lint/suspicious/noExplicitAny: what the bytes hold is what is tested
const contractOf = (schema: SchemaJson): Contract<any> =>
  defineContract('ventas', 'Pedido', 'ventas/Pedido.v1', [
    { version: '1.0', fingerprint: fingerprintOf(schema), schema },
  ]);

const LINEAS = {
  type: 'array',
  items: {
    type: 'record',
    name: 'Linea',
    fields: [
      { name: 'n', type: 'int' },
      { name: 'nota', type: 'string' },
    ],
  },
};

/** Zigzag varint of a count, a length or an index. */
const varint = (value: number): string => {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes).toString('hex');
};

/** A type, bytes in hex that are not of it, and the reason that is given. */
const REFUSED: readonly (readonly [string, unknown, string, RegExp])[] = [
  [
    'an array that announces 10^9 items in five bytes',
    LINEAS,
    varint(1e9),
    /campo: 1000000000 items, which are not there/,
  ],
  [
    'a map that announces 10^9 entries',
    { type: 'map', values: 'int' },
    varint(1e9),
    /campo: 1000000000 items/,
  ],
  ['an array of 2^62 items', LINEAS, varint(2 ** 62), /items, which are not there/],
  [
    'a block whose count is the least long',
    LINEAS,
    `ffffffffffffffffff01${varint(0)}`,
    /items, which are not there/,
  ],
  [
    'a block that says another size than it has',
    LINEAS,
    `${varint(-1)}${varint(9)}02026100${'00'.repeat(9)}`,
    /a block is not of the size it says/,
  ],
  ['a block of a negative size', LINEAS, `${varint(-1)}${varint(-5)}0202610000`, /a block of -5 bytes/],
  [
    'a block that ends beyond the payload',
    LINEAS,
    `${varint(-1)}${varint(500)}02026100`,
    /a block of 500 bytes/,
  ],
  ['an array without its end', LINEAS, '02020261', /campo: the bytes end early/],
  ['a fault in the second item', LINEAS, '04' + '020261' + '0202ff' + '00', /campo\[1\]\.nota: not UTF-8/],
  ['a string longer than the payload', 'string', varint(100), /campo: the bytes end early/],
  ['a string of a negative length', 'string', varint(-1), /campo: a length of -1/],
  ['a string of 2^50 bytes', 'string', varint(2 ** 50), /campo: the bytes end early/],
  ['bytes of a negative length', 'bytes', varint(-2), /a length of -2/],
  ['short text that is not UTF-8', 'string', '04c328', /not UTF-8/],
  ['an overlong encoding', 'string', '04c080', /not UTF-8/],
  ['a surrogate in UTF-8', 'string', '06eda080', /not UTF-8/],
  ['long text that is not UTF-8', 'string', `${varint(100) + '61'.repeat(99)}ff`, /not UTF-8/],
  ['a varint of eleven bytes', 'long', `${'ff'.repeat(10)}01`, /more than 64 bits/],
  ['a varint of 65 bits', 'long', `${'ff'.repeat(9)}02`, /more than 64 bits/],
  ['a varint that does not end', 'long', 'ff', /the bytes end early/],
  ['an int of 33 bits', 'int', varint(2 ** 31), /an int has 32 bits/],
  ['a boolean that is 2', 'boolean', '02', /a boolean is 0 or 1/],
  ['a float cut short', 'float', '000000', /the bytes end early/],
  ['a double cut short', 'double', '00000000000000', /the bytes end early/],
  ['a fixed cut short', { type: 'fixed', name: 'F', size: 3 }, '0000', /the bytes end early/],
  [
    'an enum index out of range',
    { type: 'enum', name: 'E', symbols: ['A', 'B'] },
    varint(2),
    /no symbol has the index 2/,
  ],
  [
    'a negative enum index',
    { type: 'enum', name: 'E', symbols: ['A', 'B'] },
    varint(-1),
    /no symbol has the index -1/,
  ],
  ['a union branch that does not exist', ['null', 'int'], varint(2), /no branch has the index 2/],
  ['a negative union branch', ['null', 'int'], varint(-1), /no branch/],
  [
    'an instant beyond what a Date holds',
    { type: 'long', logicalType: 'timestamp-millis' },
    varint(8.64e15 + 2),
    /no instant/,
  ],
  [
    'an instant that avsc would read with the other sign',
    { type: 'long', logicalType: 'timestamp-millis' },
    varint(-(2 ** 52) - 1),
    /no instant/,
  ],
  [
    'an empty decimal',
    { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 },
    '00',
    /a decimal of 0 bytes/,
  ],
  [
    'a decimal that takes long to print',
    { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 },
    varint(9) + '7f'.repeat(9),
    /a decimal of 9 bytes, not 1 to 8/,
  ],
  [
    'a decimal of too many digits',
    { type: 'bytes', logicalType: 'decimal', precision: 2, scale: 0 },
    '0264',
    /more than 2 digits/,
  ],
  ['bytes after the record', 'int', '0200', /1 bytes follow the record/],
  ['nothing at all', 'int', '', /the bytes end early/],
];

for (const [what, type, hex, reason] of REFUSED) {
  test(`${what} is refused with the reason`, () => {
    const contract = contractOf(recordOf(type));
    assert.throws(
      () => contract.decode(Buffer.from(hex, 'hex')),
      (error: Error) => {
        assert.instance(error, ContractError);
        assert.match(error.message, /^Pedido v1\.0: /);
        assert.match(error.message, reason);
        return true;
      },
    );
  });
}

test('blocks are read as other languages write them: several, with and without their size', () => {
  const contract = contractOf(recordOf(LINEAS));
  const item = '020261';
  const bytes = Buffer.from(`02${item}${varint(-2)}${varint(6)}${item}${item}00`, 'hex');
  assert.equal(
    contract.decode(bytes).campo,
    [1, 1, 1].map((n) => ({ n, nota: 'a' })),
  );
  const map = contractOf(recordOf({ type: 'map', values: 'int' }));
  assert.equal(
    map.decode(Buffer.from(`02026102${varint(-1)}${varint(3)}02620400`, 'hex')).campo,
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  );
});

const NODO: SchemaJson = { type: 'record', name: 'Nodo', fields: [{ name: 'hijo', type: ['null', 'Nodo'] }] };

test('records nest only so deep, in what is read and in what is written', () => {
  const contract = contractOf(NODO);
  const nested = (depth: number): unknown => ({ hijo: depth <= 1 ? null : nested(depth - 1) });
  assert.equal(contract.decode(contract.encode(nested(BOUNDS.depth))), nested(BOUNDS.depth));
  assert.throws(() => contract.encode(nested(BOUNDS.depth + 1)), /nested deeper than 32/);
  assert.throws(
    () => contract.decode(Buffer.from(`${'02'.repeat(100_000)}00`, 'hex')),
    /nested deeper than 32/,
  );
});

test('a payload has a bound on its bytes, in what is read and in what is written', () => {
  const contract = contractOf(recordOf('bytes'));
  assert.throws(() => contract.decode(Buffer.alloc(BOUNDS.payload + 1)), /exceed the bound/);
  assert.throws(() => contract.encode({ campo: Buffer.alloc(BOUNDS.payload) }), /exceed the bound/);
});

test('a payload has a bound on its items, in what is read and in what is written', () => {
  const contract = contractOf(recordOf({ type: 'array', items: { type: 'array', items: 'boolean' } }));
  const half = Array.from({ length: BOUNDS.items / 2 }, () => true);
  assert.throws(() => contract.encode({ campo: [half, half] }), /more than 100000 items/);
  assert.ok(contract.decode(contract.encode({ campo: [half] })));
});

test('500 participants with long profiles are well within the bounds', () => {
  const participantes = Array.from({ length: 500 }, (_, n) => ({
    id: `p-${n}`,
    tipo: 'influencer' as const,
    nombre: 'Ñandú 🎉'.repeat(10),
    informacion_perfil: 'é'.repeat(1000),
  }));
  const body = { nombre: 'n', presupuesto: '1.00', divisa: 'COP', marca_id: 'm', participantes };
  assert.equal(contracts.IniciarCampaign.decode(contracts.IniciarCampaign.encode(body)), body);
});

const SAMPLE = contracts.CampaignRegistrada.encode({
  id_campaign: '0191d2f4-7d9e-7c3e-8b2a-1c2d3e4f5a6b',
  nombre: 'Verano en Bogotá',
  presupuesto: '1250000.50',
  divisa: 'COP',
  marca_id: 'marca-1',
  participantes: [
    { id: 'p1', tipo: 'afiliado', nombre: 'Ana', informacion_perfil: 'perfil' },
    { id: 'p2', tipo: 'influencer', nombre: 'Luz', informacion_perfil: 'ñ'.repeat(40) },
  ],
  fecha: new Date(1_700_000_000_000),
});

const mutated = fc
  .array(fc.record({ at: fc.nat(SAMPLE.length - 1), byte: fc.nat(255) }), { minLength: 1, maxLength: 6 })
  .map((edits) => {
    const bytes = Buffer.from(SAMPLE);
    for (const { at, byte } of edits) bytes[at] = byte;
    return bytes;
  });
const cut = fc.nat(SAMPLE.length - 1).map((length) => SAMPLE.subarray(0, length));
const random = fc.uint8Array({ maxLength: 60 });

test('whatever the bytes, they are read as a body that is written and read the same, or refused as a ContractError', () => {
  const contract = contracts.CampaignRegistrada;
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(mutated, cut, random), (bytes) => {
      let body: ReturnType<typeof contract.decode>;
      try {
        body = contract.decode(bytes);
      } catch (error) {
        assert.instance(error, ContractError);
        return;
      }
      taken++;
      assert.equal(contract.decode(contract.encode(body)), body);
    }),
    { numRuns: 3000 },
  );
  assert.ok(taken > 50, 'some mutations leave a readable body');
});

test.run();
