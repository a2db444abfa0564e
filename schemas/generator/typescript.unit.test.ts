import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fingerprintOf, type SchemaJson } from '../codec/fingerprint.ts';
import { parseSchema } from '../codec/shape.ts';
import type { Source } from '../gate/sources.ts';
import { catalog, contractNamed, contracts } from '../generated/contracts.ts';
import { generate } from './typescript.ts';

const source = (
  owner: string,
  contract: string,
  fields: readonly unknown[],
  minor = 0,
  doc?: string,
): Source => {
  const head = { type: 'record', name: contract, namespace: `cordada.${owner}` };
  const schema: SchemaJson = { ...head, ...(doc === undefined ? {} : { doc }), fields };
  const fingerprint = fingerprintOf(schema);
  const path = `${owner}/${contract}/v1.${minor}.avsc`;
  return {
    path,
    owner,
    contract,
    major: 1,
    minor,
    text: '',
    hash: '',
    schema,
    shape: parseSchema(schema),
    fingerprint,
  };
};

const record = (name: string, type: string) => ({ type: 'record', name, fields: [{ name: 'n', type }] });

test('each Avro type has its TypeScript', () => {
  const code = generate([
    source(
      'ventas',
      'Pedido',
      [
        { name: 'largo', type: 'long' },
        { name: 'entero', type: 'int', doc: 'How many.' },
        { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 2 } },
        { name: 'fecha', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], default: null },
        { name: 'clave', type: { type: 'fixed', name: 'Clave', size: 4 } },
        { name: 'notas', type: { type: 'array', items: ['null', 'string'] } },
        { name: 'datos', type: { type: 'map', values: 'boolean' } },
        { name: 'estado', type: { type: 'enum', name: 'Estado', symbols: ['a', 'b'] } },
        { name: 'linea', type: record('Linea', 'double') },
      ],
      0,
      'Ends with */ and\ngoes on.',
    ),
  ]);
  const expected = `/** Ends with *\\/ and goes on. */
export interface Pedido {
  readonly largo: bigint;
  /** How many. */
  readonly entero: number;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly total: string;
  readonly fecha: Date | null;
  readonly clave: Buffer;
  readonly notas: readonly (string | null)[];
  readonly datos: ReadonlyMap<string, boolean>;
  readonly estado: Estado;
  readonly linea: Linea;
}
`;
  assert.ok(code.includes(expected), code);
  assert.ok(code.includes("export type Estado = 'a' | 'b';\n"));
  assert.ok(code.includes('export interface Linea {\n  readonly n: number;\n}\n'));
});

test('a nested type that several contracts share is declared once', () => {
  const field = { name: 'linea', type: record('Linea', 'string') };
  const code = generate([source('ventas', 'Compra', [field]), source('ventas', 'Pedido', [field])]);
  assert.is(code.split('export interface Linea {').length, 2);
});

test('nested types of one name that differ bear the name of their contract', () => {
  const code = generate([
    source('ventas', 'Compra', [{ name: 'linea', type: record('Linea', 'string') }]),
    source('ventas', 'Pedido', [{ name: 'lineas', type: { type: 'array', items: record('Linea', 'int') } }]),
  ]);
  assert.ok(code.includes('export interface CompraLinea {\n  readonly n: string;'));
  assert.ok(code.includes('export interface PedidoLinea {\n  readonly n: number;'));
  assert.ok(code.includes('readonly lineas: readonly PedidoLinea[];'));
  assert.not.ok(code.includes('interface Linea'));
});

test('a nested type cannot shadow a contract or a type of the language', () => {
  const code = generate([
    source('ventas', 'Compra', [{ name: 'n', type: 'int' }]),
    source('ventas', 'Pedido', [
      { name: 'fecha', type: { ...record('Date', 'string'), namespace: 'otra' } },
      { name: 'compra', type: { ...record('Compra', 'string'), namespace: 'otra' } },
    ]),
  ]);
  assert.ok(code.includes('readonly fecha: PedidoDate;'));
  assert.ok(code.includes('readonly compra: PedidoCompra;'));
});

test('the interface is of the newest version, and every version is there to be read', () => {
  const old = source('ventas', 'Pedido', [{ name: 'n', type: 'int' }]);
  const added = { name: 'nota', type: 'string', default: '' };
  const next = source('ventas', 'Pedido', [{ name: 'n', type: 'int' }, added], 1);
  const code = generate([old, next]);
  assert.ok(code.includes('export interface Pedido {\n  readonly n: number;\n  readonly nota: string;\n}'));
  assert.ok(code.includes(`{ version: '1.0', fingerprint: '${old.fingerprint}'`));
  assert.ok(code.includes(`{ version: '1.1', fingerprint: '${next.fingerprint}'`));
});

test('every contract is in the catalog and found by its name, and nothing else is', () => {
  assert.is(catalog.length, Object.keys(contracts).length);
  for (const contract of catalog) assert.is(contractNamed(contract.name), contract);
  assert.is(contracts.PartnerRegistrado.topic, 'partner/PartnerRegistrado.v1');
  assert.is(contracts.PartnerRegistrado.owner, 'partner');
  for (const name of ['Nada', '', '__proto__', 'constructor']) assert.is(contractNamed(name), undefined);
});

test.run();
