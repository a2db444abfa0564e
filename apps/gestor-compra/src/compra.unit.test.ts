import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pedida, proyectada } from './compra.ts';

const test = suite('a purchase');
const change = {
  id: 'c1',
  deshace: null,
  estado: 'RUNNING',
  paso: 'validacion',
  deshaciendo: false,
  failure: undefined,
  motivo: null,
} as const;
const undo = { ...change, id: 'u1', deshace: 'c1', paso: 'anulacion', motivo: 'ya no' } as const;
const faltantes = [{ producto: '7', pedido: 2, disponible: 1 }];
const failure = { paso: 'reserva', codigo: 'FALTA', motivo: 'no alcanza', detalle: faltantes };

test('goes through its states as its saga goes through its steps', () => {
  for (const [paso, estado] of [
    ['validacion', 'COMPRA_CREADA'],
    ['reserva', 'PRODUCTOS_VALIDOS'],
    ['orden', 'PRODUCTOS_RESERVADOS'],
    ['confirmacion', 'ORDEN_CREADA'],
  ] as const)
    assert.equal(proyectada({ ...change, paso }), { id: 'c1', estado, detenida: false, razon: null });
  assert.is(proyectada({ ...change, estado: 'COMPLETED', paso: undefined })?.estado, 'CONFIRMADA');
});

test('of a step that no state is known for is a fault, and not guessed', () => {
  assert.throws(() => proyectada({ ...change, paso: 'otro' }), /otro/);
});

test('is refused with the code, the reason and what is missing', () => {
  const razon = { codigo: 'FALTA', motivo: 'no alcanza', faltantes };
  assert.equal(proyectada({ ...change, estado: 'COMPENSATING', deshaciendo: true, failure }), {
    id: 'c1',
    estado: 'RECHAZANDO',
    detenida: false,
    razon,
  });
  assert.equal(
    proyectada({ ...change, estado: 'COMPENSATED', paso: undefined, deshaciendo: true, failure }),
    {
      id: 'c1',
      estado: 'RECHAZADA',
      detenida: false,
      razon,
    },
  );
});

test('whose saga is parked is as it was, and says so', () => {
  assert.equal(proyectada({ ...change, estado: 'PARKED', paso: 'confirmacion' }), {
    id: 'c1',
    estado: 'ORDEN_CREADA',
    detenida: true,
    razon: null,
  });
  const back = proyectada({ ...change, estado: 'PARKED', paso: 'reserva', deshaciendo: true, failure });
  assert.is(back?.estado, 'RECHAZANDO');
  assert.ok(back?.detenida);
});

test('that is undone stays confirmed until its order is cancelled, and is refused once its stock is back', () => {
  const states = [
    undo,
    { ...undo, paso: 'devolucion' },
    { ...undo, estado: 'COMPLETED', paso: undefined },
  ] as const;
  assert.equal(
    states.map((one) => proyectada(one)?.estado),
    ['CONFIRMADA', 'RECHAZANDO', 'RECHAZADA'],
  );
  assert.equal(proyectada({ ...undo, estado: 'COMPLETED', paso: undefined }), {
    id: 'c1',
    estado: 'RECHAZADA',
    detenida: false,
    razon: { codigo: 'DESHECHA', motivo: 'ya no', faltantes: null },
  });
});

test('whose order is on its way stays confirmed: nothing of it was undone', () => {
  for (const [estado, paso] of [
    ['COMPENSATING', 'anulacion'],
    ['COMPENSATED', undefined],
  ] as const)
    assert.equal(proyectada({ ...undo, estado, paso, deshaciendo: true, failure }), {
      id: 'c1',
      estado: 'CONFIRMADA',
      detenida: false,
      razon: null,
    });
});

test('that could not be begun is refused, and keeps of what was asked for only who wanted it', () => {
  const ended = { ...change, estado: 'COMPENSATED', paso: undefined, failure } as const;
  assert.is(proyectada(ended).estado, 'RECHAZADA');
  assert.is(proyectada(ended).razon?.codigo, 'FALTA');
  const lineas = [{ producto: '7\0', cantidad: 2 }];
  const input = { id_usuario: `ana\0\ud800${'x'.repeat(9_000)}`, domicilio: '\0', lineas, vence: null };
  assert.equal(pedida({ ...ended, input: () => input }), {
    id: 'c1',
    id_usuario: `ana\ufffd${'x'.repeat(196)}`,
    domicilio: '',
    lineas: [],
  });
  assert.equal(pedida({ ...ended, input: () => undefined }), {
    id: 'c1',
    id_usuario: '',
    domicilio: '',
    lineas: [],
  });
  assert.equal(pedida({ ...change, input: () => input }).lineas, lineas);
});

test.run();
