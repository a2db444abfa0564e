import type { Item } from '@cordada/consolidador/items.ts';
import type { Existencia, Linea as LineaReserva, Movimiento, Reserva } from '@cordada/consolidador/stock.ts';
import { ITEM } from '@cordada/consolidador/stock-store.ts';
import { type Database, statement } from '@cordada/infra/database/database.ts';
import type { Operation } from '@cordada/infra/messaging/operations.ts';
import type { Linea, Orden } from '@cordada/ordenes/orden.ts';
import { ORDEN_COLUMNS } from '@cordada/ordenes/store.ts';
import type { Bought, CompraSeen } from './bought.ts';

type Readable = Pick<Database, 'query'>;

const ITEMS = statement('simulation.items', `SELECT ${ITEM} FROM item i ORDER BY i.id`);
const EXISTENCIAS = statement(
  'simulation.existencias',
  `SELECT item || '/' || bodega AS id, item, bodega, cantidad, reservada, version FROM existencia ORDER BY 1`,
);
const RESERVAS = statement(
  'simulation.reservas',
  `SELECT id, dueno, compra, origen, estado, creada, vence, avisada, actualizada FROM reserva ORDER BY id`,
);
const LINEAS_RESERVA = statement(
  'simulation.reserva-lineas',
  'SELECT reserva, item, bodega, cantidad FROM reserva_linea ORDER BY reserva, item, bodega',
);
const MOVIMIENTOS = statement(
  'simulation.movimientos',
  `SELECT tipo, item, bodega, delta_cantidad AS "deltaCantidad", delta_reservada AS "deltaReservada", reserva, origen,
     fecha FROM movimiento ORDER BY id`,
);
const COMPRAS = statement(
  'simulation.compras',
  `SELECT id, estado, detenida, total::text AS total, lineas, codigo, faltantes FROM compra ORDER BY id`,
);
const ORDENES = statement('simulation.ordenes', `SELECT ${ORDEN_COLUMNS} FROM orden ORDER BY id`);
const LINEAS_ORDEN = statement(
  'simulation.orden-lineas',
  `SELECT orden, n, id_item AS "idItem", numero, nombre, cantidad, precio_unitario::text AS "precioUnitario"
   FROM linea_orden ORDER BY orden, n`,
);
const OPERATIONS = statement(
  'simulation.operations',
  'SELECT id, estado, recurso, codigo, motivo, created FROM operation ORDER BY id',
);

export const readItems = (consolidador: Readable): Promise<readonly Item[]> =>
  consolidador.query<Item>(ITEMS, []);

const readReservas = async (consolidador: Readable): Promise<readonly Reserva[]> => {
  const reservas = await consolidador.query<Omit<Reserva, 'lineas'>>(RESERVAS, []);
  const lineas = await consolidador.query<LineaReserva & { readonly reserva: string }>(LINEAS_RESERVA, []);
  return reservas.map((reserva) => ({
    ...reserva,
    lineas: lineas.filter((linea) => linea.reserva === reserva.id),
  }));
};

const readOperations = async (consolidador: Readable): Promise<readonly Operation[]> =>
  (await consolidador.query(OPERATIONS, [])).map(({ id, estado, recurso, codigo, motivo, created }) => ({
    id,
    estado,
    recurso,
    created,
    requestHash: '',
    message: '',
    error: codigo === null ? null : { codigo, motivo },
  }));

/** What the purchase services have in their databases. */
export const readBought = async (databases: {
  readonly 'gestor-compra': Readable;
  readonly consolidador: Readable;
  readonly ordenes: Readable;
}): Promise<
  Pick<
    Bought,
    'compras' | 'items' | 'existencias' | 'reservas' | 'movimientos' | 'ordenes' | 'lineas' | 'operations'
  >
> => {
  const { consolidador, ordenes } = databases;
  return {
    compras: await databases['gestor-compra'].query<CompraSeen>(COMPRAS, []),
    items: await readItems(consolidador),
    existencias: await consolidador.query<Existencia>(EXISTENCIAS, []),
    reservas: await readReservas(consolidador),
    movimientos: await consolidador.query<Movimiento>(MOVIMIENTOS, []),
    ordenes: await ordenes.query<Orden>(ORDENES, []),
    lineas: await ordenes.query<Linea>(LINEAS_ORDEN, []),
    operations: await readOperations(consolidador),
  };
};
