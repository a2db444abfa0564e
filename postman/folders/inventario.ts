import type { FolderSource } from '../collection/model.ts';

const items = '/api/v1/inventory/items';
const waits = { Prefer: 'wait=30' };

const takes = (status: number): string => `
  pm.test('answers ${status} with the operation by which the outcome is read', () => {
    pm.expect(pm.response.code, pm.response.text().slice(0, 500)).to.equal(${status});
    pm.expect(pm.response.headers.get('Location')).to.match(/^\\/api\\/v1\\/operations\\//);
  });
  save('location', pm.response.headers.get('Location'));
  save('item', pm.response.json().id);`;

const counts = (quantity: number, reserved: number): string => `
  poll((stock) => stock.quantity === ${quantity} && stock.reserved === ${reserved}, (stock) => {
    pm.test('${quantity} units, ${reserved} of them reserved', () =>
      pm.expect(stock.available).to.equal(${quantity - reserved}));
    pm.test('X-Cache says whether it was kept', () =>
      pm.expect(pm.response.headers.get('X-Cache')).to.match(/^(HIT|MISS)$/));
  });`;

const operation = (name: string, end: 'DONE' | 'REJECTED') => ({
  name,
  describe: 'PENDING until the single writer has decided.',
  method: 'GET' as const,
  path: '{{location}}',
  test: `pollOperation('${end}', () => {});`,
});

export const inventario: FolderSource = {
  name: 'Inventory',
  describe:
    'The inventory of a chain of shops (CQRS): commands answer 202 with an operation, queries are answered cache first.',
  requests: [
    {
      name: 'Create an item',
      describe: 'The document’s own example, under a SKU that nobody has used.',
      method: 'POST',
      path: items,
      headers: { 'Idempotency-Key': '{{sku}}' },
      body: {
        sku: '{{sku}}',
        name: 'Producto de Prueba',
        description: 'Descripción del producto',
        quantity: 100,
      },
      before: "save('sku', 'PROD-' + pm.variables.replaceIn('{{$guid}}'));",
      test: takes(202),
    },
    operation('The creation is DONE', 'DONE'),
    {
      name: 'The same again',
      describe: 'Under its Idempotency-Key: the first answer, and no second item.',
      method: 'POST',
      path: items,
      headers: { 'Idempotency-Key': '{{sku}}' },
      body: {
        sku: '{{sku}}',
        name: 'Producto de Prueba',
        description: 'Descripción del producto',
        quantity: 100,
      },
      test: `
        answers(202);
        pm.test('is the first answer', () => {
          pm.expect(pm.response.headers.get('Idempotent-Replayed')).to.equal('true');
          pm.expect(pm.response.json().id).to.equal(saved('item'));
        });`,
    },
    {
      name: 'Its stock by SKU',
      describe: 'As the document reads it.',
      method: 'GET',
      path: `${items}/sku/{{sku}}/stock`,
      test: counts(100, 0),
    },
    {
      name: 'Reserve 10',
      describe: '202 at once: who cares for the outcome reads the operation.',
      method: 'POST',
      path: `${items}/{{item}}/reserve`,
      body: { quantity: 10 },
      test: takes(202),
    },
    operation('The reservation is DONE', 'DONE'),
    {
      name: 'Its stock by id',
      describe: 'The same that its SKU finds.',
      method: 'GET',
      path: `${items}/{{item}}/stock`,
      test: counts(100, 10),
    },
    {
      name: 'Reserve more than there is',
      describe: 'Accepted, and refused by the single writer.',
      method: 'POST',
      path: `${items}/{{item}}/reserve`,
      body: { quantity: 91 },
      test: takes(202),
    },
    operation('It is REJECTED', 'REJECTED'),
    {
      name: 'Adjust below nothing, waiting',
      describe: 'Who waits gets the refusal itself.',
      method: 'POST',
      path: `${items}/{{item}}/adjust`,
      headers: waits,
      body: { quantity: -91 },
      test: 'refused(409);',
    },
    {
      name: 'Delete it while it is reserved',
      describe: 'Refused: somebody counts on it.',
      method: 'DELETE',
      path: `${items}/{{item}}`,
      headers: waits,
      test: 'refused(409);',
    },
    {
      name: 'Release 10, waiting',
      describe: 'Who waits gets the item as it is then.',
      method: 'POST',
      path: `${items}/{{item}}/release`,
      headers: waits,
      body: { quantity: 10 },
      test: `
        answers(200);
        pm.test('nothing is reserved', () => pm.expect(pm.response.json().reserved).to.equal(0));`,
    },
    {
      name: 'Rename it',
      describe: 'PUT takes a name and a description.',
      method: 'PUT',
      path: `${items}/{{item}}`,
      headers: waits,
      body: { name: 'Otro nombre {{sku}}', description: 'Otra descripción' },
      test: `
        answers(200);
        pm.test('has its new name', () => pm.expect(pm.response.json().name).to.include('Otro nombre'));`,
    },
    {
      name: 'A page of items',
      describe: '10 a page unless it says otherwise; more than 100 are 100.',
      method: 'GET',
      path: `${items}?page=1&page_size=1000`,
      test: `
        answers(200);
        pm.test('says which page it is', () => {
          const { items, total, page, page_size, total_pages } = pm.response.json();
          pm.expect(page).to.equal(1);
          pm.expect(page_size).to.equal(100);
          pm.expect(items.length).to.be.at.most(100);
          pm.expect(total_pages).to.equal(Math.ceil(total / 100));
        });`,
    },
    {
      name: 'Delete it',
      describe: 'Its SKU and its name are free again.',
      method: 'DELETE',
      path: `${items}/{{item}}`,
      headers: waits,
      test: 'answers(200);',
    },
    {
      name: 'Bad input',
      describe: 'Names the field.',
      method: 'POST',
      path: `${items}/1/adjust`,
      body: { quantity: 0 },
      test: "refused(400, '/quantity');",
    },
  ],
};
