import { money } from '@cordada/infra/http/money.ts';
import Type from 'typebox';
import { SHORT_TEXT, text } from '../documents.ts';

/** Lines of one purchase; all of them stand in one command. */
const MOST_LINES = 500;
/** Units of one line: so many lines of them still fit into what a contract holds. */
const MOST_UNITS = 1_000_000;

const producto = text(1, SHORT_TEXT, { description: 'Id, número, SKU o nombre, en este orden' });
const cantidad = Type.Integer({ minimum: 1, maximum: MOST_UNITS });

/** What a buyer asks for. */
export const pedido = Type.Object(
  {
    idUsuario: text(1, SHORT_TEXT, { description: 'El cliente, con sus reglas' }),
    productos: Type.Array(Type.Object({ producto, cantidad }, { additionalProperties: false }), {
      minItems: 1,
      maxItems: MOST_LINES,
      description: 'Un producto repetido cuenta como la suma',
    }),
    domicilio: text(1, SHORT_TEXT),
    vence: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'Hasta cuándo su reserva puede esperar a la orden, si no hasta que venza como todas; pasado, la compra se rechaza',
      }),
    ),
  },
  {
    additionalProperties: false,
    examples: [
      {
        idUsuario: '1',
        productos: [
          { producto: '1', cantidad: 2 },
          { producto: 'SKU-7', cantidad: 1 },
        ],
        domicilio: 'Calle 26 # 7-11, Bogotá',
      },
    ],
  },
);

const faltante = Type.Object({
  producto: Type.String({ description: 'Como se pidió' }),
  pedido: Type.Integer(),
  disponible: Type.Integer(),
});

const exampleId = '0199a1f0-7c3e-7000-8000-3f8a4f1f7d52';
const instant = Type.String({ format: 'date-time' });

export const estadoCompra = Type.Union(
  (
    [
      'COMPRA_CREADA',
      'PRODUCTOS_VALIDOS',
      'PRODUCTOS_RESERVADOS',
      'ORDEN_CREADA',
      'CONFIRMADA',
      'RECHAZANDO',
      'RECHAZADA',
    ] as const
  ).map((one) => Type.Literal(one)),
);

/** A purchase as its saga leaves it. */
export const compra = Type.Object(
  {
    id: Type.String({ description: 'La compra, y su saga' }),
    idUsuario: Type.String(),
    domicilio: Type.String(),
    estado: estadoCompra,
    detenida: Type.Optional(Type.Literal(true, { description: 'Su saga espera a un operario' })),
    productos: Type.Array(Type.Object({ producto: Type.String(), cantidad: Type.Integer() })),
    lineas: Type.Optional(
      Type.Array(
        Type.Object({
          id_item: Type.String(),
          numero: Type.Integer(),
          sku: Type.String(),
          nombre: Type.String(),
          cantidad: Type.Integer(),
          precio_unitario: money,
        }),
        { description: 'Lo validado, con el precio de ese momento' },
      ),
    ),
    total: Type.Optional(money),
    idOrden: Type.String(),
    codigo: Type.Optional(Type.String({ description: 'Por qué se rechaza' })),
    motivo: Type.Optional(Type.String()),
    faltantes: Type.Optional(
      Type.Array(faltante, { description: 'Lo que no alcanza, y cuánto queda de cada cosa' }),
    ),
    creada: instant,
    actualizada: instant,
  },
  {
    examples: [
      {
        id: exampleId,
        idUsuario: '1',
        domicilio: 'Calle 26 # 7-11, Bogotá',
        estado: 'RECHAZADA',
        productos: [{ producto: '1', cantidad: 20 }],
        idOrden: '2f0c7d31-9b1e-5c52-8d0a-7e6f5a4b3c2d',
        codigo: 'INVENTARIO_INSUFICIENTE',
        motivo: 'no alcanza el inventario',
        faltantes: [{ producto: '1', pedido: 20, disponible: 7 }],
        creada: '2026-03-01T12:00:00.000Z',
        actualizada: '2026-03-01T12:00:00.120Z',
      },
    ],
  },
);

/** A purchase that has been accepted. */
export const acceptedCompra = Type.Object(
  {
    id: Type.String(),
    estado: Type.Literal('COMPRA_CREADA', { description: 'Como estaba al aceptarse' }),
    enlace: Type.String({ description: 'Dónde leer cómo va y cómo acabó' }),
    saga: Type.String({ description: 'Dónde leer su saga' }),
  },
  {
    description: 'Aceptada: en `Location` se lee cómo va',
    examples: [
      {
        id: exampleId,
        estado: 'COMPRA_CREADA',
        enlace: `/api/compras/${exampleId}`,
        saga: `/api/sagas/compra/${exampleId}`,
      },
    ],
  },
);

const statusOrden = Type.Union(
  (['PENDING', 'CONFIRMED', 'IN_TRANSIT', 'DELIVERED', 'REJECTED', 'CANCELLED'] as const).map((one) =>
    Type.Literal(one),
  ),
);

/** The order of a purchase. */
export const orden = Type.Object(
  {
    id: Type.String(),
    id_compra: Type.String(),
    cliente: Type.String(),
    domicilio: Type.String(),
    status: statusOrden,
    total: Type.Union([money, Type.Null()], {
      description: 'null en la que se rechazó antes de tener precio',
    }),
    codigo: Type.Optional(Type.String({ description: 'Por qué se rechazó o se canceló' })),
    motivo: Type.Optional(Type.String()),
    lineas: Type.Array(
      Type.Object({
        id_item: Type.Union([Type.String(), Type.Null()]),
        numero: Type.Union([Type.Integer(), Type.Null()]),
        nombre: Type.String(),
        cantidad: Type.Integer(),
        precio_unitario: Type.Union([money, Type.Null()]),
      }),
    ),
    creada: instant,
    actualizada: instant,
  },
  {
    examples: [
      {
        id: '2f0c7d31-9b1e-5c52-8d0a-7e6f5a4b3c2d',
        id_compra: exampleId,
        cliente: '1',
        domicilio: 'Calle 26 # 7-11, Bogotá',
        status: 'CONFIRMED',
        total: 25000.5,
        lineas: [
          {
            id_item: '0190c7a2-5b1e-5a11-9d2e-1f2a3b4c5d6e',
            numero: 7,
            nombre: 'Termo',
            cantidad: 1,
            precio_unitario: 25000.5,
          },
        ],
        creada: '2026-03-01T12:00:00.000Z',
        actualizada: '2026-03-01T12:00:00.120Z',
      },
    ],
  },
);

/** A customer's rules. */
export const cliente = Type.Object(
  { id: Type.String(), activo: Type.Boolean(), limite: money },
  { examples: [{ id: '1', activo: true, limite: 1000000 }] },
);
