import { money } from '@cordada/infra/http/money.ts';
import Type, { type TLiteral, type TObject, type TOptional, type TSchema, type TString } from 'typebox';

const id = Type.String({ description: 'El número' });
const price = Type.Union([Type.Number(), Type.Null()], {
  description: 'Con todas sus cifras; null en lo que aún no lo tiene',
});

/** A request's document. */
export const asked = <Kind extends string, Attributes extends TObject>(
  type: Kind,
  attributes: Attributes,
  example: object,
): TObject<{
  data: TObject<{ type: TLiteral<Kind>; id: TOptional<TString>; attributes: Attributes }>;
}> =>
  Type.Object(
    {
      data: Type.Object(
        { type: Type.Literal(type), id: Type.Optional(Type.String()), attributes },
        { additionalProperties: false },
      ),
    },
    {
      additionalProperties: false,
      examples: [{ data: { type, attributes: example } }],
    },
  ) as never;

const resource = (type: string, attributes: TObject) =>
  Type.Object({ type: Type.Literal(type), id: Type.String(), attributes });

/** An answer's document, of one resource or of many. */
export const answered = (data: TSchema): TObject => Type.Object({ data });

const product = {
  nombre: Type.String(),
  precio: price,
  descripcion: Type.Union([Type.String(), Type.Null()]),
};
export const productDocument = resource('products', Type.Object(product));

export const inventoryDocument = resource(
  'inventory',
  Type.Object({
    producto_id: Type.Integer(),
    cantidad: Type.Integer({ description: 'Las disponibles' }),
    producto: Type.Object({ id, ...product }),
  }),
);

const bought = {
  producto_id: Type.Integer(),
  producto_nombre: Type.String(),
  cantidad: Type.Integer(),
  precio_unitario: money,
  total: money,
  fecha: Type.String({ format: 'date-time' }),
};
export const purchaseDocument = resource(
  'purchases',
  Type.Object({
    ...bought,
    inventario_restante: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Las disponibles justo después; null si no se pudo saber',
    }),
  }),
);
export const historyDocument = resource('purchases', Type.Object(bought));

/** What is accepted and not known to have ended. */
export const pendingDocument = Type.Object({
  data: Type.Object({
    type: Type.String(),
    id: Type.String(),
    attributes: Type.Object({ estado: Type.String() }),
  }),
});
