import type { FolderSource, RequestSource } from '../collection/model.ts';

const newBuyer = "save('usuario', pm.variables.replaceIn('{{$guid}}'));";
const domicilio = 'Calle 26 # 7-11, Bogotá';

const buy = (
  name: string,
  describe: string,
  productos: readonly { readonly producto: string; readonly cantidad: number }[],
  test: string,
  more: Partial<Pick<RequestSource, 'headers' | 'before'>> & { readonly body?: object } = {},
): RequestSource => {
  const { body, ...rest } = more;
  return {
    name,
    describe,
    method: 'POST',
    path: '/api/compras',
    body: { idUsuario: '{{usuario}}', productos, domicilio, ...body },
    test,
    ...rest,
  };
};

const waits = { Prefer: 'wait=30' };

const order = (name: string, status: string): RequestSource => ({
  name,
  describe: 'ordenes moves by itself, on what it hears: sent again until it has heard.',
  method: 'GET',
  path: '/api/ordenes/{{orden}}',
  test: `
    poll(({ status }) => status === '${status}', (orden) => {
      pm.test('the order is ${status}, and for this buyer', () => {
        pm.expect(orden.status).to.equal('${status}');
        pm.expect(orden.cliente).to.equal(pm.collectionVariables.get('usuario'));
      });
    });`,
});

const rule = (name: string, activo: boolean, limite: string, describe: string): RequestSource => ({
  name,
  describe,
  method: 'PUT',
  path: '/api/clientes/{{usuario}}',
  body: { activo, limite },
  test: `
    answers(200);
    pm.test('says what holds now', () => pm.expect(pm.response.json().activo).to.equal(${activo}));`,
});

const rejected = (codigo: string): string => `
  answers(200);
  pm.test('is RECHAZADA, and says why', () => {
    pm.expect(pm.response.json().estado).to.equal('RECHAZADA');
    pm.expect(pm.response.json().codigo).to.equal('${codigo}');
  });
  save('orden', pm.response.json().idOrden);`;

const graphql = (name: string, describe: string, query: string, test: string): RequestSource => ({
  name,
  describe,
  method: 'POST',
  path: '/v1',
  body: { query, variables: { usuario: '{{usuario}}' } },
  test,
});

export const compras: FolderSource = {
  name: 'Purchases',
  describe:
    "Entregas de los Alpes: buying over REST and GraphQL, what refuses it, and undoing it. Of the demo's product 3 units are put on the shelf first.",
  requests: [
    {
      name: 'Fill the shelf',
      describe: 'Ten more units of product 3; `Prefer: wait=30` answers with the item as it is then.',
      method: 'POST',
      path: '/api/v1/inventory/items/3/adjust',
      headers: waits,
      body: { quantity: 10 },
      before: newBuyer,
      test: `
        answers(200);
        pm.test('there are units to sell', () => pm.expect(pm.response.json().available).to.be.at.least(10));`,
    },
    buy(
      'Buy',
      '202 once the request cannot be lost; `Location` is where it is read.',
      [{ producto: '3', cantidad: 2 }],
      `
        accepted(/^\\/api\\/compras\\/[0-9a-f-]{36}$/);
        save('compra', pm.response.json().id);`,
    ),
    {
      name: 'It is CONFIRMADA',
      describe: 'Sent again until its saga is over; with what was validated, at the prices of that moment.',
      method: 'GET',
      path: '/api/compras/{{compra}}',
      test: `
        poll(({ estado }) => ['CONFIRMADA', 'RECHAZADA'].includes(estado), (compra) => {
          pm.test('is CONFIRMADA, and costs two of it', () => {
            pm.expect(compra.estado).to.equal('CONFIRMADA');
            pm.expect(compra.total).to.equal(2 * compra.lineas[0].precio_unitario);
          });
          save('orden', compra.idOrden);
          save('precio', String(compra.lineas[0].precio_unitario));
        });`,
    },
    {
      name: 'Its saga',
      describe: 'Four steps, and every message of it.',
      method: 'GET',
      path: '/api/sagas/compra/{{compra}}',
      test: `
        answers(200);
        ordered(pm.response.json(), 'ValidarInventario', 'ReservarInventario', 'CrearOrden', 'ConfirmarReserva');`,
    },
    order('Its order is CONFIRMED', 'CONFIRMED'),
    {
      name: 'Its reservation',
      describe: 'For operators: whose it is, and since when.',
      method: 'GET',
      path: '/api/reservas?compra={{compra}}',
      test: `
        answers(200);
        pm.test('is of this purchase, and has left the warehouse', () => {
          const [reserva] = pm.response.json().reservas;
          pm.expect(reserva.dueno.compra).to.equal(pm.collectionVariables.get('compra'));
          pm.expect(reserva.estado).to.equal('CONFIRMADA');
        });`,
    },
    buy(
      'More than there is, and what nobody knows',
      'All that is missing is told at once, with what is left of it.',
      [
        { producto: '3', cantidad: 900000 },
        { producto: 'no existe', cantidad: 1 },
      ],
      `${rejected('INVENTARIO_INSUFICIENTE')}
        pm.test('tells both', () => {
          pm.expect(pm.response.json().faltantes.map(({ producto }) => producto)).to.deep.equal(['3', 'no existe']);
        });`,
      { headers: waits },
    ),
    order('Its order says so, although none was made', 'REJECTED'),
    rule("Set the buyer's limit", true, '0.01', 'The most that one order may come to.'),
    buy(
      'Above the limit',
      'What was reserved is released.',
      [{ producto: '3', cantidad: 1 }],
      rejected('LIMITE_EXCEDIDO'),
      { headers: waits },
    ),
    rule('Deactivate the buyer', false, '1000000', 'From now on no order is made.'),
    buy('Of an inactive buyer', 'Refused.', [{ producto: '3', cantidad: 1 }], rejected('CLIENTE_INACTIVO'), {
      headers: waits,
    }),
    rule('Activate the buyer', true, '1000000', 'As everyone is who buys for the first time.'),
    buy(
      'When its time is over',
      'A buyer may say until when the reservation may wait; the past is over already.',
      [{ producto: '3', cantidad: 1 }],
      rejected('RESERVA_VENCIDA'),
      { headers: waits, body: { vence: '2020-01-01T00:00:00Z' } },
    ),
    {
      name: 'Undo the confirmed purchase',
      describe: 'A saga of its own cancels the order and returns the stock.',
      method: 'DELETE',
      path: '/api/compras/{{compra}}',
      headers: waits,
      test: `
        answers(200);
        pm.test('the undo saga is COMPLETED', () => {
          pm.expect(pm.response.json().estado).to.equal('COMPLETED');
          pm.expect(pm.response.json().deshace).to.equal(pm.collectionVariables.get('compra'));
        });`,
    },
    {
      name: 'Undo it again',
      describe: 'There is nothing left to undo.',
      method: 'DELETE',
      path: '/api/compras/{{compra}}',
      test: "refused(409, 'RECHAZADA');",
    },
    graphql(
      'GraphQL: buy',
      'As the original client does: `id:cantidad`, separated by commas.',
      'mutation Comprar($usuario: String!) { crearCompra(idUsuario: $usuario, productos: "3:1", domicilio: "Calle 26") { codigo mensaje id } }',
      `
        answers(200);
        pm.test('203, Procesando Mensaje', () => {
          const { codigo, mensaje } = pm.response.json().data.crearCompra;
          pm.expect([codigo, mensaje]).to.deep.equal([203, 'Procesando Mensaje']);
        });
        save('compra', pm.response.json().data.crearCompra.id);`,
    ),
    graphql(
      'GraphQL: the purchases of this buyer',
      'Sent again until the last one is over; from the oldest to the newest.',
      'query Compras($usuario: String!) { compras(idUsuario: $usuario) { idUsuario estado } }',
      `
        poll(({ data }) => data.compras.every(({ estado }) => ['CONFIRMADA', 'RECHAZADA'].includes(estado)), ({ data }) => {
          pm.test('the first was undone, the last is CONFIRMADA', () => {
            pm.expect(data.compras[0].estado).to.equal('RECHAZADA');
            pm.expect(data.compras[data.compras.length - 1].estado).to.equal('CONFIRMADA');
          });
        });`,
    ),
    graphql(
      'GraphQL: what is no quantity',
      'Refused by an error, and nothing is bought.',
      'mutation Comprar($usuario: String!) { crearCompra(idUsuario: $usuario, productos: "3:mucho", domicilio: "x") { codigo } }',
      `
        answers(400);
        pm.test('says which element', () => pm.expect(pm.response.json().errors[0].message).to.include('elemento 1'));`,
    ),
    {
      name: 'The purchases of this buyer',
      describe: 'A plain array, whole: what was refused is there too.',
      method: 'GET',
      path: '/usuarios/{{usuario}}/compras',
      test: `
        answers(200);
        pm.test('all six of this run, and nothing of the bad one', () => {
          pm.expect(pm.response.json().length).to.equal(6);
        });`,
    },
    {
      name: 'The order of the last one leaves',
      describe: 'An operario says so; first its id is looked up.',
      method: 'GET',
      path: '/api/compras/{{compra}}',
      test: `
        answers(200);
        pm.test('has an order', () => pm.expect(pm.response.json().idOrden).to.be.a('string'));
        save('orden', pm.response.json().idOrden);`,
    },
    order('It is CONFIRMED first', 'CONFIRMED'),
    {
      name: 'On its way',
      describe: 'CONFIRMED, IN_TRANSIT, DELIVERED: one after the other.',
      method: 'PUT',
      path: '/api/ordenes/{{orden}}/estado',
      body: { status: 'IN_TRANSIT' },
      test: `
        answers(200);
        pm.test('is IN_TRANSIT', () => pm.expect(pm.response.json().status).to.equal('IN_TRANSIT'));`,
    },
    {
      name: 'Undo what is on its way',
      describe: 'Refused: the purchase stays as it is.',
      method: 'DELETE',
      path: '/api/compras/{{compra}}',
      headers: waits,
      test: "refused(409, 'IN_TRANSIT');",
    },
    {
      name: 'A purchase that is none',
      describe: 'Ids are opaque: 404, whatever it looks like.',
      method: 'GET',
      path: '/api/compras/no-existe',
      test: 'refused(404);',
    },
  ],
};
