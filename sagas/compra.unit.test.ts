import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compraSaga } from './compra.saga.ts';
import { decide } from './engine/decide.ts';
import type { Decision, Instance } from './engine/instance.ts';
import { entityId } from './engine/turn.ts';
import {
  answers,
  becomes,
  begins,
  deletes,
  given,
  hears,
  isRefused,
  nothing,
  orders,
  passes,
  SAGA,
  sends,
} from './testing/given.ts';

const test = suite('the purchase saga');

const input = {
  id_usuario: 'ana',
  domicilio: 'Calle 26',
  lineas: [
    { producto: 'SKU-1', cantidad: 2 },
    { producto: '7', cantidad: 1 },
  ],
  vence: new Date(Date.UTC(2030, 0, 2)),
};
const linea = (numero: number, cantidad: number, precio_unitario: string) => ({
  id_item: `item-${numero}`,
  numero,
  sku: `SKU-${numero}`,
  nombre: `Producto ${numero}`,
  cantidad,
  precio_unitario,
});
const lineas = [linea(1, 2, '10.25'), linea(7, 1, '9007199254740993.25')];
const total = '9007199254741013.75';
const faltantes = [{ producto: 'SKU-1', pedido: 2, disponible: 1 }];
const reserva = entityId(SAGA, 'reserva', 0);
const orden = entityId(SAGA, 'orden', 0);

const begun = begins(contracts.IniciarCompra, input);
const validado = answers(contracts.InventarioValidado, { lineas, total });
const reservado = answers(contracts.InventarioReservado);
const creada = answers(contracts.OrdenCreada);
const confirmada = answers(contracts.ReservaConfirmada);
const liberado = answers(contracts.InventarioLiberado);
const excedido = answers(contracts.CreacionOrdenFallida, {
  codigo: 'LIMITE_EXCEDIDO',
  motivo: 'supera el límite',
});
const vencida = hears(contracts.ReservaVencida);
const completed = [begun, validado, reservado, creada, confirmada];

test('asks first whether the products are there, by the names that the buyer gave', () => {
  given(compraSaga)
    .when(begun)
    .then(sends(contracts.ValidarInventario, { id_compra: SAGA, lineas: input.lineas }), becomes('RUNNING'));
});

test('tells what is missing, with nothing to undo: it has only looked', () => {
  given(compraSaga, begun)
    .when(
      answers(contracts.ValidacionInventarioFallida, {
        codigo: 'INVENTARIO_INSUFICIENTE',
        motivo: 'no alcanza',
        faltantes,
      }),
    )
    .then(
      sends(contracts.CompraRechazada, {
        id_compra: SAGA,
        id_orden: orden,
        id_usuario: 'ana',
        domicilio: 'Calle 26',
        codigo: 'INVENTARIO_INSUFICIENTE',
        motivo: 'no alcanza',
        faltantes,
        lineas: input.lineas,
      }),
      becomes('COMPENSATED'),
    );
});

test('reserves the items that were validated', () => {
  given(compraSaga, begun)
    .when(validado)
    .then(
      sends(contracts.ReservarInventario, {
        id_reserva: reserva,
        id_compra: SAGA,
        vence: input.vence,
        lineas: [
          { id_item: 'item-1', cantidad: 2 },
          { id_item: 'item-7', cantidad: 1 },
        ],
      }),
    );
});

test('tells what went between validation and reservation, and releases nothing: nothing was reserved', () => {
  given(compraSaga, begun, validado)
    .when(
      answers(contracts.ReservaInventarioFallida, {
        codigo: 'INVENTARIO_INSUFICIENTE',
        motivo: 'no alcanza',
        faltantes,
      }),
    )
    .then(sends(contracts.CompraRechazada, { faltantes }), becomes('COMPENSATED'));
});

test('orders at the prices that were validated, with every digit of them', () => {
  given(compraSaga, begun, validado)
    .when(reservado)
    .then(
      sends(contracts.CrearOrden, {
        id_orden: orden,
        id_compra: SAGA,
        id_usuario: 'ana',
        domicilio: 'Calle 26',
        lineas: lineas.map(({ sku: _, ...rest }) => rest),
        total,
      }),
    );
});

test('when the order is refused releases the reservation, cancels no order, and says why', () => {
  given(compraSaga, begun, validado, reservado)
    .when(excedido)
    .then(
      sends(contracts.LiberarInventario, { id_reserva: reserva, motivo: 'supera el límite' }),
      becomes('COMPENSATING'),
    );
  given(compraSaga, begun, validado, reservado, excedido)
    .when(liberado)
    .then(
      sends(contracts.CompraRechazada, { codigo: 'LIMITE_EXCEDIDO', faltantes: [] }),
      becomes('COMPENSATED'),
    );
});

test('confirms the reservation once there is an order, and tells everyone', () => {
  given(compraSaga, begun, validado, reservado)
    .when(creada)
    .then(sends(contracts.ConfirmarReserva, { id_reserva: reserva, id_compra: SAGA, id_orden: orden }));
  given(compraSaga, begun, validado, reservado, creada)
    .when(confirmada)
    .then(
      sends(contracts.CompraConfirmada, { id_compra: SAGA, id_orden: orden, id_usuario: 'ana', total }),
      becomes('COMPLETED'),
    );
});

test('lets buyers of one item queue: two minutes for an answer, sent once more, then undone', () => {
  given(compraSaga, begun).when(passes(119_999)).then(nothing);
  given(compraSaga, begun).when(passes(120_000)).then(sends(contracts.ValidarInventario));
  given(compraSaga, begun, passes(120_000))
    .when(passes(120_000))
    .then(sends(contracts.CompraRechazada, { codigo: 'TIEMPO_AGOTADO' }), becomes('COMPENSATED'));
  given(compraSaga, begun, validado, passes(120_000))
    .when(passes(120_000))
    .then(sends(contracts.LiberarInventario), becomes('COMPENSATING'));
});

test('cancels an order that is not known to be there, before it releases its reservation', () => {
  const timedOut = [begun, validado, reservado, passes(120_000)];
  given(compraSaga, ...timedOut)
    .when(passes(120_000))
    .then(sends(contracts.CancelarOrden, { id_orden: orden }));
  given(compraSaga, ...timedOut, passes(120_000))
    .when(answers(contracts.OrdenCancelada))
    .then(sends(contracts.LiberarInventario, { id_reserva: reserva }));
  // It was made after all: too late, it is cancelled already.
  given(compraSaga, ...timedOut, passes(120_000))
    .when(creada)
    .then(nothing);
});

test('gives up when its reservation expires before the order was sent, and not after', () => {
  given(compraSaga, begun, validado)
    .when(vencida)
    .then(
      // It overtook `InventarioReservado`: what that step has done is uncertain, and released.
      sends(contracts.LiberarInventario, { id_reserva: reserva }),
      becomes('COMPENSATING'),
    );
  given(compraSaga, begun, validado, vencida).when(reservado).then(nothing);
  given(compraSaga, begun, validado, vencida).when(vencida).then(nothing);
  given(compraSaga, begun, validado, vencida)
    .when(liberado)
    .then(sends(contracts.CompraRechazada, { codigo: 'RESERVA_VENCIDA' }), becomes('COMPENSATED'));
  given(compraSaga, begun, validado, reservado).when(vencida).then(nothing);
  given(compraSaga, begun, validado, reservado, creada).when(vencida).then(nothing);
  given(compraSaga, ...completed)
    .when(vencida)
    .then(nothing);
});

test('past its pivot is confirmed until that is answered, and then waits for an operator', () => {
  const past = [begun, validado, reservado, creada];
  given(compraSaga, ...past)
    .when(deletes())
    .then(isRefused('SAGA_EN_CURSO'));
  const waits = [120_000, 240_000, 480_000, 960_000, 1_200_000].map(passes);
  given(compraSaga, ...past, ...waits)
    .when(passes(1_200_000))
    .then(becomes('PARKED'));
  given(compraSaga, ...past, ...waits, passes(1_200_000))
    .when(confirmada)
    .then(sends(contracts.CompraConfirmada), becomes('COMPLETED'));
  given(compraSaga, ...past, ...waits, passes(1_200_000))
    .when(orders('reintentar', 'confirmacion'))
    .then(sends(contracts.ConfirmarReserva), becomes('RUNNING'));
});

test('deleted before its pivot is compensated, and what is uncertain too', () => {
  given(compraSaga, begun)
    .when(deletes())
    .then(
      sends(contracts.CompraRechazada, { codigo: 'DESHECHA', motivo: 'ya no se quiere' }),
      becomes('COMPENSATED'),
    );
  given(compraSaga, begun, validado, reservado)
    .when(deletes())
    .then(sends(contracts.CancelarOrden, { id_orden: orden }), becomes('COMPENSATING'));
});

test('deleted once it is confirmed begins a saga of its own, whose pivot cancels the order', () => {
  const undo = compraSaga.undo;
  assert.ok(undo);
  assert.equal(
    undo.steps.map(({ name, kind, command }) => [name, kind, command.name]),
    [
      ['anulacion', 'pivot', 'AnularOrden'],
      ['devolucion', 'retriable', 'DevolverInventario'],
    ],
  );
  given(compraSaga, ...completed)
    .when(deletes())
    .then(becomes('COMPLETED'));
  given(compraSaga, ...completed)
    .when(deletes({ paso: 'reserva', item: 0 }))
    .then(isRefused('NO_SE_PUEDE_DESHACER'));
});

/** The undo saga that a DELETE of a confirmed purchase begins. */
const undoOf = (original: Instance): Decision => {
  const asked = { quien: 'ana', motivo: 'se arrepintió' };
  const taken = decide(compraSaga, original, { kind: 'deshacer', alcance: null, ...asked }, 0) as Decision;
  assert.ok(compraSaga.undo && taken.undo?.begin);
  const begin = { kind: 'undo', original: taken.instance, ...taken.undo.begin, ...asked } as const;
  return decide(compraSaga.undo, undefined, begin, 0) as Decision;
};

test('is undone about the entities of the one that is undone; an order on its way leaves it as it was', () => {
  const undo = undoOf(given(compraSaga, ...completed).saga as Instance);
  const { id, origin } = undo.instance;
  assert.is(origin.deshace, SAGA);
  assert.equal(
    undo.sends.map(({ contract, subject, idempotencyKey }) => [contract.name, subject, idempotencyKey]),
    [['AnularOrden', orden, `${id}/anulacion/0`]],
  );
  assert.ok(compraSaga.undo);
  const definition = compraSaga.undo;
  const answer = (step: string, contract: string) => ({
    kind: 'message' as const,
    message: {
      body: { codigo: 'EN_CAMINO', motivo: 'ya va en camino' },
      envelope: {
        id: 'm',
        contract,
        source: '',
        time: new Date(0),
        subject: '',
        correlationId: id,
        causationId: 'm',
        idempotencyKey: `${id}/${step}/0/${contract}`,
        traceparent: '',
        requestHash: '',
      },
    },
  });
  const told = (instance: Instance, step: string, contract: string) =>
    decide(definition, instance, answer(step, contract), 1) as Decision;
  assert.is(told(undo.instance, 'anulacion', 'AnulacionOrdenFallida').instance.status, 'COMPENSATED');
  const gone = told(undo.instance, 'anulacion', 'OrdenAnulada');
  assert.equal(
    gone.sends.map(({ body }) => body),
    [{ id_reserva: reserva, id_compra: SAGA }],
  );
  assert.is(told(gone.instance, 'devolucion', 'InventarioDevuelto').instance.status, 'COMPLETED');
});

test('has the cancelling of its order, which nothing undoes, sent until its answer is known', () => {
  assert.ok(compraSaga.undo);
  let undo = undoOf(given(compraSaga, ...completed).saga as Instance).instance;
  const wake = () =>
    decide(
      compraSaga.undo as NonNullable<typeof compraSaga.undo>,
      undo,
      { kind: 'wake' },
      undo.state.due ?? 0,
    );
  for (let tries = 0; tries < 5; tries += 1) {
    undo = (wake() as Decision).instance;
    assert.is(undo.status, 'RUNNING');
  }
  assert.is((wake() as Decision).instance.status, 'PARKED');
});

test('is pinned to what its live instances rely on', () => {
  // A change here strands the live sagas of the release before: add a definition beside it instead (README.md).
  assert.is(compraSaga.version, 1);
  assert.is(compraSaga.hash, '8ef65b88819ed6fc');
  assert.is(compraSaga.undo?.hash, '46d40bc7a4f1469b');
});

test.run();
