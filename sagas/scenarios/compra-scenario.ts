import type { Stage } from './scenario.ts';

/** What a buyer of a scenario wants: so many of the shelf's products, by their place on it. */
export interface Wanted {
  readonly lines: readonly (readonly [product: number, units: number])[];
  /** A product that is not there, too. */
  readonly unknown?: true;
  /** Until when its reservation may wait; the past is over already. */
  readonly vence?: string;
}

/** How one purchase must have gone, with the messages of its saga. */
export interface Purchased {
  readonly estado: 'CONFIRMADA' | 'RECHAZADA';
  readonly codigo?: string;
  /** How many products are missing. */
  readonly faltantes?: number;
  /** Of the order, which is there even where none was made. */
  readonly status: 'CONFIRMED' | 'REJECTED' | 'CANCELLED';
  /** Of the reservation; none was made where it is absent. */
  readonly reserva?: 'CONFIRMADA' | 'LIBERADA' | 'DEVUELTA';
  readonly steps: readonly Stage[];
  readonly compensations: readonly Stage[];
}

/** One way in which purchases can go: what is on the shelf, who buys, and everything that must come of it. */
export interface CompraScenario {
  readonly name: string;
  readonly summary: string;
  /** Units of each product, at 10.25, 20.50 and so on; made for this scenario alone. */
  readonly shelf: readonly number[];
  /** The most that an order of this customer may come to. */
  readonly limite?: string;
  /** All at once. */
  readonly buyers: readonly Wanted[];
  /** Undone once it is confirmed. */
  readonly undone?: { readonly steps: readonly Stage[] };
  /** One a buyer, in whatever order. */
  readonly expected: readonly Purchased[];
  /** Units that are on the shelf at the end; none of them spoken for. */
  readonly left: readonly number[];
}

/** The stages of a purchase that goes all the way. */
export const allSteps: readonly Stage[] = [
  { ValidarInventario: 1, InventarioValidado: 1 },
  { ReservarInventario: 1, InventarioReservado: 1 },
  { CrearOrden: 1, OrdenCreada: 1 },
  { ConfirmarReserva: 1, ReservaConfirmada: 1 },
  { CompraConfirmada: 1 },
];

const confirmed: Purchased = {
  estado: 'CONFIRMADA',
  status: 'CONFIRMED',
  reserva: 'CONFIRMADA',
  steps: allSteps,
  compensations: [],
};

export const compraScenarios: readonly CompraScenario[] = [
  {
    name: 'compra-exitosa',
    summary:
      'All of it is there: it is validated, reserved, ordered and confirmed, and leaves the warehouse.',
    shelf: [5, 3],
    buyers: [
      {
        lines: [
          [0, 2],
          [1, 3],
        ],
      },
    ],
    expected: [confirmed],
    left: [3, 0],
  },
  {
    name: 'compra-faltantes',
    summary:
      'Two products are short and one is unknown: all of them are told, and nothing of the rest is touched.',
    shelf: [5, 1, 0],
    buyers: [
      {
        lines: [
          [0, 1],
          [1, 2],
          [2, 1],
        ],
        unknown: true,
      },
    ],
    expected: [
      {
        estado: 'RECHAZADA',
        codigo: 'INVENTARIO_INSUFICIENTE',
        faltantes: 3,
        status: 'REJECTED',
        steps: [{ ValidarInventario: 1, ValidacionInventarioFallida: 1 }, { CompraRechazada: 1 }],
        compensations: [],
      },
    ],
    left: [5, 1, 0],
  },
  {
    name: 'compra-limite-excedido',
    summary:
      "The total is a cent above the customer's limit: the order is refused, and what was reserved released.",
    shelf: [5],
    limite: '20.49',
    buyers: [{ lines: [[0, 2]] }],
    expected: [
      {
        estado: 'RECHAZADA',
        codigo: 'LIMITE_EXCEDIDO',
        faltantes: 0,
        status: 'REJECTED',
        reserva: 'LIBERADA',
        steps: [
          { ValidarInventario: 1, InventarioValidado: 1 },
          { ReservarInventario: 1, InventarioReservado: 1 },
          { CrearOrden: 1, CreacionOrdenFallida: 1 },
        ],
        compensations: [{ LiberarInventario: 1, InventarioLiberado: 1 }, { CompraRechazada: 1 }],
      },
    ],
    left: [5],
  },
  {
    name: 'compra-carrera',
    summary: 'Two buyers want the last unit: one has it, and the other is told that none is left.',
    shelf: [1],
    buyers: [{ lines: [[0, 1]] }, { lines: [[0, 1]] }],
    expected: [
      confirmed,
      {
        estado: 'RECHAZADA',
        codigo: 'INVENTARIO_INSUFICIENTE',
        faltantes: 1,
        status: 'REJECTED',
        // It may lose when it looks, or when it would reserve what it has seen.
        steps: [
          { ValidarInventario: 1, InventarioValidado: [0, 1], ValidacionInventarioFallida: [0, 1] },
          { ReservarInventario: [0, 1], ReservaInventarioFallida: [0, 1] },
          { CompraRechazada: 1 },
        ],
        compensations: [],
      },
    ],
    left: [0],
  },
  {
    name: 'compra-vencida',
    summary:
      'The time that the buyer gave it is over before there is a reservation: nothing is held for anybody.',
    shelf: [5],
    buyers: [{ lines: [[0, 2]], vence: '2020-01-01T00:00:00Z' }],
    expected: [
      {
        estado: 'RECHAZADA',
        codigo: 'RESERVA_VENCIDA',
        faltantes: 0,
        status: 'REJECTED',
        steps: [
          { ValidarInventario: 1, InventarioValidado: 1 },
          { ReservarInventario: 1, ReservaInventarioFallida: 1 },
          { CompraRechazada: 1 },
        ],
        compensations: [],
      },
    ],
    left: [5],
  },
  {
    name: 'compra-deshecha',
    summary:
      'A confirmed purchase is undone by a saga of its own: its order is cancelled, and its stock is back.',
    shelf: [5],
    buyers: [{ lines: [[0, 2]] }],
    undone: {
      steps: [
        { AnularOrden: 1, OrdenAnulada: 1 },
        { DevolverInventario: 1, InventarioDevuelto: 1 },
      ],
    },
    expected: [
      {
        ...confirmed,
        estado: 'RECHAZADA',
        codigo: 'DESHECHA',
        faltantes: 0,
        status: 'CANCELLED',
        reserva: 'DEVUELTA',
      },
    ],
    left: [5],
  },
];
