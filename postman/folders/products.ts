import type { FolderSource, RequestSource } from '../collection/model.ts';

const key = { 'X-API-Key': 'secret-key-123' };
const jsonApi = { ...key, 'Content-Type': 'application/vnd.api+json' };
const waits = { ...jsonApi, Prefer: 'wait=30' };

const document = (type: string, attributes: object): object => ({ data: { type, attributes } });
/** A number where Postman puts a text: in a body that is text already. */
const purchase = (cantidad: number): string =>
  `{"data":{"type":"purchases","attributes":{"producto_id":{{producto}},"cantidad":${cantidad}}}}`;

const told = (status: number, title: string, detail: string): string => `
  pm.test('is told ${status}, word for word', () => {
    pm.expect(pm.response.code, pm.response.text().slice(0, 500)).to.equal(${status});
    const [error] = pm.response.json().errors;
    pm.expect(error.title).to.equal('${title}');
    pm.expect(error.detail).to.equal('${detail}');
    pm.expect(pm.response.headers.get('Content-Type')).to.include('application/vnd.api+json');
  });`;

const buy = (name: string, describe: string, cantidad: number, test: string): RequestSource => ({
  name,
  describe,
  method: 'POST',
  path: '/api/purchases',
  headers: { ...waits, 'Idempotency-Key': '{{compra}}' },
  body: purchase(cantidad),
  test,
});
const newKey = "save('compra', pm.variables.replaceIn('{{$guid}}'));";

export const products: FolderSource = {
  name: 'Products',
  describe:
    'Products, their inventory and their purchases as JSON:API has them. The demo’s key is `secret-key-123`; a purchase runs the saga and waits for its end.',
  requests: [
    {
      name: 'Create a product',
      describe: '201 once the inventory has it and its price.',
      method: 'POST',
      path: '/api/products',
      headers: waits,
      body: document('products', { nombre: 'Laptop', precio: 1999.99, descripcion: 'De 14 pulgadas' }),
      test: `
        answers(201);
        pm.test('is the product', () => {
          const { data } = pm.response.json();
          pm.expect(data.type).to.equal('products');
          pm.expect(data.attributes.precio).to.equal(1999.99);
        });
        save('producto', pm.response.json().data.id);`,
    },
    {
      name: 'Say how many there are',
      describe: 'Right after it was created.',
      method: 'PATCH',
      path: '/api/inventory/{{producto}}',
      headers: waits,
      body: document('inventory', { cantidad: 5 }),
      test: `
        answers(200);
        pm.test('says so, with the product', () => {
          const { attributes } = pm.response.json().data;
          pm.expect(attributes.cantidad).to.equal(5);
          pm.expect(attributes.producto.nombre).to.equal('Laptop');
        });`,
    },
    {
      ...buy(
        'Buy 3',
        'Waits for the saga: 201 with what was bought, and what is left.',
        3,
        `
        answers(201);
        pm.test('has the price, the total and what is left', () => {
          const { attributes } = pm.response.json().data;
          pm.expect(attributes.total).to.equal(5999.97);
          pm.expect(attributes.inventario_restante).to.equal(2);
        });
        save('comprado', pm.response.text());`,
      ),
      before: newKey,
    },
    buy(
      'The same again',
      'Under its Idempotency-Key: bought once.',
      3,
      `
      answers(201);
      pm.test('is the first answer', () => pm.expect(pm.response.text()).to.equal(saved('comprado')));`,
    ),
    {
      ...buy(
        'Buy more than there is',
        'Says how many there are.',
        3,
        told(409, 'Conflict', 'Inventario insuficiente. Disponible: 2, Solicitado: 3'),
      ),
      before: newKey,
    },
    {
      name: 'Its inventory',
      describe: '`cantidad` is what is available.',
      method: 'GET',
      path: '/api/inventory/{{producto}}',
      headers: key,
      test: `
        answers(200);
        pm.test('2 are left', () => pm.expect(pm.response.json().data.attributes.cantidad).to.equal(2));`,
    },
    {
      name: 'Its purchases',
      describe: 'The newest first; what was undone is not among them.',
      method: 'GET',
      path: '/api/purchases/history/{{producto}}',
      headers: key,
      test: `
        answers(200);
        pm.test('one, of 3', () => {
          const { data } = pm.response.json();
          pm.expect(data.map(({ attributes }) => attributes.cantidad)).to.deep.equal([3]);
        });`,
    },
    {
      name: 'The products',
      describe: 'All of them, by number.',
      method: 'GET',
      path: '/api/products',
      headers: key,
      test: `
        answers(200);
        pm.test('it is among them', () =>
          pm.expect(pm.response.json().data.map(({ id }) => id)).to.include(saved('producto')));`,
    },
    {
      name: 'Without a key',
      describe: 'Looked at first of all.',
      method: 'GET',
      path: '/api/products/{{producto}}',
      headers: { Accept: 'application/vnd.api+json' },
      test: told(401, 'Unauthorized', 'API Key inválida o no proporcionada'),
    },
    {
      name: 'Another content type',
      describe: 'Looked at before the body.',
      method: 'POST',
      path: '/api/products',
      headers: { ...key, 'Content-Type': 'application/json' },
      body: document('products', {}),
      test: told(415, 'Unsupported Media Type', 'Content-Type debe ser application/vnd.api+json'),
    },
    {
      name: 'No JSON:API',
      describe: 'What has no data.',
      method: 'POST',
      path: '/api/products',
      headers: jsonApi,
      body: {},
      test: told(400, 'Bad Request', 'Formato JSON API inválido'),
    },
    {
      name: 'No price',
      describe: 'What it lacks is named.',
      method: 'POST',
      path: '/api/products',
      headers: jsonApi,
      body: document('products', { nombre: 'x' }),
      test: told(400, 'Bad Request', 'Nombre y precio son requeridos'),
    },
    {
      name: 'A product that is not there',
      describe: 'An id is opaque: never a 400.',
      method: 'GET',
      path: '/api/products/nada',
      headers: key,
      test: told(404, 'Not Found', 'Producto no encontrado'),
    },
  ],
};
