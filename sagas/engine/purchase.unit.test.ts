import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  answers,
  becomes,
  begins,
  deletes,
  given,
  hears,
  isRefused,
  nothing,
  passes,
  SAGA,
  sends,
} from '../testing/given.ts';
import { jsonContract } from '../testing/json-contract.ts';
import { saga } from './builder.ts';
import { decide } from './decide.ts';
import type { Decision, Instance } from './instance.ts';
import { entityId } from './turn.ts';

interface Linea {
  readonly producto: string;
  readonly cantidad: number;
}
interface Reason {
  readonly codigo: string;
  readonly motivo: string;
}

const IniciarCompra = jsonContract<{ idUsuario: string; lineas: Linea[] }>('IniciarCompra');
const Validar = jsonContract<{ lineas: Linea[] }>('ValidarInventario');
const Validado = jsonContract<{ precios: { producto: string; precio: string }[] }>('InventarioValidado');
const ValidacionFallida = jsonContract<Reason & { faltantes: { producto: string; disponible: number }[] }>(
  'ValidacionInventarioFallida',
);
const Reservar = jsonContract<{ reserva: string }>('ReservarInventario');
const Reservado = jsonContract<{ reserva: string }>('InventarioReservado');
const ReservaFallida = jsonContract<Reason>('ReservaInventarioFallida');
const Liberar = jsonContract<{ reserva: string; motivo: string }>('LiberarInventario');
const Liberado = jsonContract<{ reserva: string }>('InventarioLiberado');
const CrearOrden = jsonContract<{ orden: string; precios: string[] }>('CrearOrden');
const OrdenCreada = jsonContract<{ orden: string }>('OrdenCreada');
const OrdenFallida = jsonContract<Reason>('CreacionOrdenFallida');
const CancelarOrden = jsonContract<{ orden: string }>('CancelarOrden');
const OrdenCancelada = jsonContract<{ orden: string }>('OrdenCancelada');
const Confirmar = jsonContract<{ reserva: string }>('ConfirmarReserva');
const Confirmada = jsonContract<{ reserva: string }>('ReservaConfirmada');
const Vencida = jsonContract<{ reserva: string }>('ReservaVencida');
const CompraConfirmada = jsonContract<{ compra: string }>('CompraConfirmada');
const CompraRechazada = jsonContract<{ motivo: string; faltantes: unknown }>('CompraRechazada');
const Anular = jsonContract<{ orden: string }>('AnularOrden');
const Anulada = jsonContract<{ orden: string }>('OrdenAnulada');
const AnulacionFallida = jsonContract<Reason>('AnulacionOrdenFallida');
const Devolver = jsonContract<{ reserva: string; lineas: Linea[] }>('DevolverInventario');
const Devuelto = jsonContract<{ reserva: string }>('InventarioDevuelto');

/** The purchase of systems.md §2: whatever it needs of the engine is used here. */
const compra = saga({
  tipo: 'compra',
  version: 1,
  starts: IniciarCompra,
  clave: ({ idUsuario }) => [idUsuario],
})
  .readOnly('validacion', {
    command: Validar,
    body: ({ input }) => ({ lineas: input.lineas }),
    event: Validado,
    facts: ({ precios }) => precios.map(({ precio }) => precio),
    failure: ValidacionFallida,
    detail: ({ faltantes }) => faltantes,
  })
  .step('reserva', {
    command: Reservar,
    body: ({ id }) => ({ reserva: id('reserva') }),
    event: Reservado,
    failure: ReservaFallida,
    compensation: Liberar,
    undo: ({ id, motivo }) => ({ reserva: id('reserva'), motivo }),
    compensated: Liberado,
  })
  .pivot('orden', {
    command: CrearOrden,
    body: ({ id, facts }) => ({ orden: id('orden'), precios: facts.validacion }),
    event: OrdenCreada,
    failure: OrdenFallida,
    compensation: CancelarOrden,
    undo: ({ id }) => ({ orden: id('orden') }),
    compensated: OrdenCancelada,
  })
  .retriable('confirmacion', {
    command: Confirmar,
    body: ({ id }) => ({ reserva: id('reserva') }),
    event: Confirmada,
  })
  .interruptedBy(Vencida, { before: 'orden', codigo: 'RESERVA_VENCIDA', motivo: 'la reserva venció' })
  .announceCompleted(CompraConfirmada, ({ saga }) => ({ compra: saga }))
  .announceCompensated(CompraRechazada, ({ failure }) => ({
    motivo: failure.motivo,
    faltantes: failure.detalle ?? [],
  }))
  .undoneBy((undo) =>
    undo
      .pivot('anulacion', {
        command: Anular,
        subject: ({ id }) => id('orden'),
        body: ({ id }) => ({ orden: id('orden') }),
        event: Anulada,
        failure: AnulacionFallida,
      })
      .retriable('devolucion', {
        command: Devolver,
        subject: ({ id }) => id('reserva'),
        body: ({ input, id }) => ({ reserva: id('reserva'), lineas: input.lineas }),
        event: Devuelto,
      }),
  )
  .end();

const test = suite('a saga with a read-only step, a pivot and an undo of its own');

const lineas = [{ producto: 'p1', cantidad: 2 }];
const begun = begins(IniciarCompra, { idUsuario: 'u1', lineas });
const valid = answers(Validado, { precios: [{ producto: 'p1', precio: '9.90' }] });
const reserved = answers(Reservado);
const ordered = answers(OrdenCreada);
const completed = [begun, valid, reserved, ordered, answers(Confirmada)];
const reserva = entityId(SAGA, 'reserva', 0);

test('announces why it ended, with what was missing, when the first step is refused', () => {
  const faltantes = [{ producto: 'p1', disponible: 1 }];
  given(compra, begun)
    .when(answers(ValidacionFallida, { codigo: 'FALTA', motivo: 'no alcanza', faltantes }))
    .then(sends(CompraRechazada, { motivo: 'no alcanza', faltantes }), becomes('COMPENSATED'));
});

test('gives later steps the facts of earlier events', () => {
  given(compra, begun, valid)
    .when(reserved)
    .then(sends(CrearOrden, { precios: ['9.90'] }));
});

test('compensates the pivot and what came before it while the event of the pivot is not committed, and the read-only step not', () => {
  given(compra, begun, valid, reserved, passes(60_000))
    .when(passes(60_000))
    .then(sends(CancelarOrden), becomes('COMPENSATING'));
  given(compra, begun, valid, reserved, deletes()).when(answers(OrdenCancelada)).then(sends(Liberar));
  given(compra, begun, valid, reserved, deletes(), answers(OrdenCancelada))
    .when(answers(Liberado))
    .then(sends(CompraRechazada), becomes('COMPENSATED'));
  given(compra, begun, valid, reserved, deletes()).when(ordered).then(nothing);
});

test('past the pivot only goes forward', () => {
  given(compra, begun, valid, reserved).when(ordered).then(sends(Confirmar));
  given(compra, begun, valid, reserved, ordered).when(deletes()).then(isRefused('SAGA_EN_CURSO'));
  given(compra, begun, valid, reserved, ordered, passes(60_000))
    .when(passes(120_000))
    .then(sends(Confirmar), becomes('RUNNING'));
  given(compra, begun, valid, reserved, ordered)
    .when(answers(Confirmada))
    .then(sends(CompraConfirmada, { compra: SAGA }), becomes('COMPLETED'));
});

test('gives up when it is interrupted before the step that it names, and never after', () => {
  given(compra, begun, valid).when(hears(Vencida)).then(sends(Liberar), becomes('COMPENSATING'));
  given(compra, begun, valid, reserved).when(hears(Vencida)).then(nothing);
  given(compra, begun, valid, hears(Vencida)).when(hears(Vencida)).then(nothing);
});

/** The undo saga that a DELETE of a completed purchase begins. */
const undoOf = (original: Instance): Decision => {
  const asked = { quien: 'ana', motivo: 'se arrepintió' };
  const taken = decide(compra, original, { kind: 'deshacer', alcance: null, ...asked }, 0) as Decision;
  assert.ok(compra.undo && taken.undo?.begin);
  const input = { kind: 'undo', original: taken.instance, ...taken.undo.begin, ...asked } as const;
  return decide(compra.undo, undefined, input, 0) as Decision;
};

test('is undone after COMPLETED by a saga of its own, about the entities of the one that it undoes', () => {
  const original = given(compra, ...completed).saga as Instance;
  const undo = undoOf(original);
  assert.equal(
    undo.sends.map(({ contract, subject, idempotencyKey }) => [contract.name, subject, idempotencyKey]),
    [['AnularOrden', entityId(SAGA, 'orden', 0), `${undo.instance.id}/anulacion/0`]],
  );
  assert.is(undo.instance.origin.deshace, SAGA);
  const answer = (contract: string) => ({
    kind: 'message' as const,
    message: {
      body: { codigo: 'EN_CAMINO', motivo: 'ya va en camino' },
      envelope: {
        id: 'm',
        contract,
        source: '',
        time: new Date(0),
        subject: '',
        correlationId: undo.instance.id,
        causationId: 'm',
        idempotencyKey: `${undo.instance.id}/${contract === 'InventarioDevuelto' ? 'devolucion' : 'anulacion'}/0/${contract}`,
        traceparent: '',
        requestHash: '',
      },
    },
  });
  assert.ok(compra.undo);
  const refused = decide(compra.undo, undo.instance, answer('AnulacionOrdenFallida'), 1) as Decision;
  assert.is(refused.instance.status, 'COMPENSATED');
  const gone = decide(compra.undo, undo.instance, answer('OrdenAnulada'), 1) as Decision;
  assert.equal(
    gone.sends.map(({ body }) => body),
    [{ reserva, lineas }],
  );
  const back = decide(compra.undo, gone.instance, answer('InventarioDevuelto'), 2) as Decision;
  assert.is(back.instance.status, 'COMPLETED');
});

test('a pivot without compensation is sent until its answer is known', () => {
  const undo = undoOf(given(compra, ...completed).saga as Instance).instance;
  assert.ok(compra.undo);
  let saga: Instance = undo;
  for (let tries = 0; tries < 5; tries += 1) {
    saga = (decide(compra.undo, saga, { kind: 'wake' }, saga.state.due ?? 0) as Decision).instance;
    assert.is(saga.status, 'RUNNING');
  }
  assert.is(
    (decide(compra.undo, saga, { kind: 'wake' }, saga.state.due ?? 0) as Decision).instance.status,
    'PARKED',
  );
});

test.run();
