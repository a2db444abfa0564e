/** What the original client speaks (systems.md §2), and what else a purchase tells. */
export const typeDefinitions = `
"Un importe, con todas sus cifras"
scalar Importe

type Query {
  "Las compras de un usuario, de la más antigua a la más reciente; todas si no se da limit"
  compras(idUsuario: String!, limit: Int): [Compra!]
  compra(id: String!): Compra
}

type Mutation {
  "productos: id:cantidad, separados por comas; cada uno por id, número, SKU o nombre"
  crearCompra(idUsuario: String!, productos: String!, domicilio: String!): RespuestaCompra
}

type RespuestaCompra {
  "203: se tomó y se está procesando"
  codigo: Int!
  mensaje: String!
  "La compra: compra(id) dice cómo va y cómo acabó"
  id: String!
}

type Compra {
  id: String!
  idUsuario: String!
  domicilio: String!
  estado: String!
  detenida: Boolean
  productos: [ProductoPedido!]!
  total: Importe
  idOrden: String!
  "Por qué se rechaza"
  codigo: String
  motivo: String
  faltantes: [Faltante!]
  creada: String!
}

type ProductoPedido {
  producto: String!
  cantidad: Int!
}

type Faltante {
  producto: String!
  pedido: Int!
  disponible: Int!
}
`;
