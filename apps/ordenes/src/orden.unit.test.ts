import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EstadoOrden, isOver, maySay, nuevo, type Orden, refusalOf, refusalToUndo } from './orden.ts';

const test = suite('an order');
const all: readonly EstadoOrden[] = [
  'PENDING',
  'CONFIRMED',
  'IN_TRANSIT',
  'DELIVERED',
  'REJECTED',
  'CANCELLED',
];
const orden = (estado: EstadoOrden): Orden => ({
  id: 'x',
  compra: 'x',
  cliente: 'ana',
  domicilio: '',
  total: '1.00',
  estado,
  codigo: null,
  motivo: null,
  creada: new Date(1),
  actualizada: new Date(1),
});
const those = (holds: (orden: Orden) => boolean) => all.filter((estado) => holds(orden(estado)));

test('of a customer who is seen for the first time may come to a million, and not a cent more', () => {
  assert.is(refusalOf('1000000.00', nuevo('ana')), undefined);
  assert.is(refusalOf('1000000.01', nuevo('ana'))?.codigo, 'LIMITE_EXCEDIDO');
});

test('is measured against the limit with every digit of both', () => {
  const ana = { id: 'ana', activo: true, limite: '9007199254740993.25' };
  assert.is(refusalOf('9007199254740993.25', ana), undefined);
  assert.is(refusalOf('9007199254740993.26', ana)?.codigo, 'LIMITE_EXCEDIDO');
  // As text it would be the greater one.
  assert.is(refusalOf('9.50', { ...ana, limite: '10.00' }), undefined);
  assert.match(
    refusalOf('10.01', { ...ana, limite: '10.00' })?.motivo ?? '',
    /10\.01 supera el límite 10\.00 del cliente ana/,
  );
});

test('of an inactive customer is refused, whatever it comes to', () => {
  assert.is(refusalOf('0.00', { ...nuevo('ana'), activo: false })?.codigo, 'CLIENTE_INACTIVO');
});

test('that is on its way, or there, is not undone', () => {
  assert.equal(
    those((one) => refusalToUndo(one) !== undefined),
    ['IN_TRANSIT', 'DELIVERED'],
  );
});

test('that is refused or cancelled stays so', () => {
  assert.equal(those(isOver), ['REJECTED', 'CANCELLED']);
});

test('leaves once it is confirmed, arrives once it has left, and may be said to be where it is', () => {
  assert.equal(
    those((one) => maySay(one, 'IN_TRANSIT')),
    ['CONFIRMED', 'IN_TRANSIT'],
  );
  assert.equal(
    those((one) => maySay(one, 'DELIVERED')),
    ['IN_TRANSIT', 'DELIVERED'],
  );
});

test.run();
