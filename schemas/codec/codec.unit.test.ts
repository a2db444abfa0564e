import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defineContract } from './codec.ts';
import { type Contract, ContractError } from './contract.ts';
import { fingerprintOf, type SchemaJson } from './fingerprint.ts';

const recordOf = (fields: readonly unknown[]): SchemaJson => ({
  type: 'record',
  name: 'Pedido',
  namespace: 'cordada.ventas',
  fields,
});

// biome-ignore lint/suspicious/noExplicitAny: bodies here are made to be wrong
const contractOf = (...schemas: SchemaJson[]): Contract<any> =>
  defineContract(
    'ventas',
    'Pedido',
    'ventas/Pedido.v1',
    schemas.map((schema, minor) => ({ version: `1.${minor}`, fingerprint: fingerprintOf(schema), schema })),
  );

const refusedWith = (message: RegExp) => (error: Error) => {
  assert.instance(error, ContractError);
  assert.match(error.message, message);
  return true;
};

const ESTADO = { type: 'enum', name: 'Estado', symbols: ['abierto', 'cerrado'] };
const LINEA = {
  type: 'record',
  name: 'Linea',
  fields: [
    { name: 'producto', type: 'string' },
    { name: 'estado', type: ESTADO },
  ],
};

/** A type, values that it takes (and how they read back, where that differs), and values that it refuses. */
const TYPES: readonly { type: unknown; takes: readonly unknown[]; refuses: readonly unknown[] }[] = [
  { type: 'boolean', takes: [true, false], refuses: [0, 'true', null, undefined] },
  {
    type: 'int',
    takes: [0, -1, 2 ** 31 - 1, -(2 ** 31)],
    refuses: [2 ** 31, 1.5, '1', 1n, Number.NaN, null],
  },
  {
    type: 'long',
    takes: [0n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 300n, 2n ** 24n, 2n ** 48n - 1n],
    refuses: [1, 2n ** 63n, '1', null],
  },
  { type: { type: 'long' }, takes: [2n ** 60n], refuses: [1] },
  { type: 'double', takes: [0.1, Number.MAX_VALUE, Number.POSITIVE_INFINITY], refuses: ['0.1', null, 1n] },
  { type: 'float', takes: [0.5], refuses: ['0.5'] },
  {
    type: 'string',
    takes: ['', 'Ñandú', '中文 🎉', '\u0000', '__proto__', 'ab'.repeat(5000), `${'é'.repeat(40)}🎉`],
    refuses: ['\ud800', `${'x'.repeat(100)}\udc00`, 1, null, undefined],
  },
  { type: 'bytes', takes: [Buffer.from(''), Buffer.from([0, 255, 128])], refuses: ['00', null] },
  {
    type: { type: 'fixed', name: 'Clave', size: 2 },
    takes: [Buffer.from([1, 2])],
    refuses: [Buffer.from([1])],
  },
  {
    type: { type: 'long', logicalType: 'timestamp-millis' },
    takes: [new Date(0), new Date(-1), new Date(8.64e15), new Date(-(2 ** 52) + 1)],
    refuses: [
      new Date(Number.NaN),
      new Date(-8.64e15),
      new Date(-(2 ** 52)),
      0,
      '2024-01-01T00:00:00Z',
      null,
    ],
  },
  {
    type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 },
    takes: ['10.00', '-0.01', '9999999999999999.99'],
    refuses: ['1.234', 10, '', null, undefined],
  },
  {
    type: ESTADO,
    takes: ['abierto', 'cerrado'],
    refuses: ['toString', 'constructor', '__proto__', 'Abierto', 0, null],
  },
  { type: ['null', 'string'], takes: [null, '', 'x'], refuses: [1, undefined, '\ud800'] },
  { type: ['string', 'null'], takes: [null, 'x'], refuses: [1] },
  { type: ['null', 'long'], takes: [null, 5n], refuses: [5] },
  {
    type: ['null', LINEA],
    takes: [null, { producto: 'p', estado: 'abierto' }],
    refuses: [{ producto: 'p' }, {}],
  },
  {
    type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 1 }],
    takes: [null, '1.5'],
    refuses: ['1.55', 1],
  },
  {
    type: { type: 'array', items: LINEA },
    takes: [
      [],
      [
        { producto: 'p', estado: 'cerrado' },
        { producto: 'q', estado: 'abierto' },
      ],
    ],
    refuses: [{}, null, [null], [{ producto: 1, estado: 'abierto' }]],
  },
  {
    type: { type: 'map', values: 'int' },
    takes: [
      new Map(),
      new Map([
        ['__proto__', 1],
        ['constructor', 2],
        ['', 3],
      ]),
    ],
    refuses: [{}, { a: 1 }, null, new Map([['a', '1']]), new Map([[1, 1]])],
  },
];

for (const { type, takes, refuses } of TYPES) {
  const contract = contractOf(recordOf([{ name: 'campo', type }]));
  test(`${JSON.stringify(type)} returns what it takes`, () => {
    for (const campo of takes) assert.equal(contract.decode(contract.encode({ campo })), { campo });
  });
  test(`${JSON.stringify(type)} refuses what it is not, and names the field`, () => {
    for (const campo of refuses)
      assert.throws(() => contract.encode({ campo }), refusedWith(/^Pedido v1\.0: campo\b.*: ./));
  });
}

test('a refused body is told by contract, version, path and reason', () => {
  const contract = contractOf(
    recordOf([
      { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 } },
      { name: 'lineas', type: { type: 'array', items: LINEA } },
    ]),
  );
  const linea = { producto: 'p', estado: 'abierto' };
  const message = (body: unknown): string => {
    try {
      contract.encode(body);
    } catch (error) {
      return (error as Error).message;
    }
    return 'taken';
  };
  assert.is(message({ total: '1', lineas: [linea] }), 'taken');
  assert.is(message({ total: '1.005', lineas: [] }), 'Pedido v1.0: total: 1.005 has more than 2 decimals');
  assert.is(
    message({ total: '1', lineas: [linea, { ...linea, estado: 'roto' }] }),
    'Pedido v1.0: lineas[1].estado: string is no abierto | cerrado',
  );
  assert.is(message({ total: '1' }), 'Pedido v1.0: lineas: missing');
  assert.is(
    message({ total: '1', lineas: [{ estado: 'abierto' }] }),
    'Pedido v1.0: lineas[0].producto: missing',
  );
  assert.is(message(null), 'Pedido v1.0: object is no record');
});

test('a field with a default may be left out', () => {
  const contract = contractOf(
    recordOf([
      { name: 'n', type: 'long', default: 7 },
      { name: 'nota', type: ['null', 'string'], default: null },
    ]),
  );
  assert.equal(contract.decode(contract.encode({})), { n: 7n, nota: null });
});

test('a decoded record is a plain object', () => {
  const contract = contractOf(recordOf([{ name: 'linea', type: LINEA }]));
  const body = contract.decode(contract.encode({ linea: { producto: 'p', estado: 'abierto' } }));
  assert.is(Object.getPrototypeOf(body), Object.prototype);
  assert.is(Object.getPrototypeOf(body.linea), Object.prototype);
});

test('a map key __proto__ stays a key, from bytes that another language wrote', () => {
  const contract = contractOf(recordOf([{ name: 'datos', type: { type: 'map', values: LINEA } }]));
  const datos = new Map([['__proto__', { producto: 'malo', estado: 'abierto' }]]);
  const body = contract.decode(contract.encode({ datos }));
  assert.equal(body.datos, datos);
  assert.is(body.datos.producto, undefined);
  assert.is(({} as { producto?: string }).producto, undefined);
});

const V0 = recordOf([
  { name: 'id', type: 'string' },
  { name: 'linea', type: LINEA },
]);
const V1 = recordOf([
  { name: 'nota', type: ['null', 'string'], default: null },
  { name: 'id', type: 'string' },
  { name: 'linea', type: LINEA },
  { name: 'puntos', type: 'long', default: 3 },
]);
const V2 = recordOf([
  { name: 'linea', type: LINEA },
  { name: 'id', type: 'string' },
  { name: 'puntos', type: 'long', default: 3 },
]);

test('a message of any published version is read as the newest', () => {
  const contract = contractOf(V0, V1, V2);
  const body = { id: 'a', linea: { producto: 'p', estado: 'cerrado' } };
  assert.is(contract.version, '1.2');
  assert.is(contract.fingerprint, fingerprintOf(V2));
  assert.equal(contract.decode(contractOf(V0).encode(body), fingerprintOf(V0)), { ...body, puntos: 3n });
  const old = contractOf(V1).encode({ ...body, nota: 'se pierde', puntos: 2n ** 60n });
  assert.equal(contract.decode(old, fingerprintOf(V1)), { ...body, puntos: 2n ** 60n });
  assert.equal(contract.decode(contract.encode({ ...body, puntos: 1n })), { ...body, puntos: 1n });
});

test('the bounds scan reads a payload by the schema that wrote it', () => {
  const contract = contractOf(V0, V1);
  const old = contractOf(V0).encode({ id: 'a', linea: { producto: 'p', estado: 'cerrado' } });
  assert.throws(() => contract.decode(old), refusedWith(/^Pedido v1\.1: /));
  assert.throws(() => contract.decode(old.subarray(1), fingerprintOf(V0)), refusedWith(/^Pedido v1\.0: /));
});

test('an unknown fingerprint is a ContractError', () => {
  const contract = contractOf(V0);
  const bytes = contract.encode({ id: 'a', linea: { producto: 'p', estado: 'cerrado' } });
  assert.throws(
    () => contract.decode(bytes, '0123456789abcdef'),
    refusedWith(/Pedido: no version has the fingerprint 0123456789abcdef/),
  );
  assert.throws(() => contract.decode(bytes, '__proto__'), refusedWith(/no version/));
  assert.throws(() => contract.decode(bytes, ''), refusedWith(/no version/));
});

test('a payload may be any Uint8Array, at any offset', () => {
  const contract = contractOf(recordOf([{ name: 'campo', type: 'string' }]));
  const padded = new Uint8Array([9, 9, ...contract.encode({ campo: 'hola' })]);
  assert.equal(contract.decode(padded.subarray(2)), { campo: 'hola' });
});

test('a schema with an unknown logical type is refused when the contract is made', () => {
  assert.throws(
    () => contractOf(recordOf([{ name: 'campo', type: { type: 'int', logicalType: 'date' } }])),
    /logicalType/,
  );
});

test.run();
