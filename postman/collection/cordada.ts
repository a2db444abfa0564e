import { badInput } from '../folders/bad-input.ts';
import { compras } from '../folders/compras.ts';
import { deletes, deprecatedDeletes } from '../folders/deletes.ts';
import { inventario } from '../folders/inventario.ts';
import { operators } from '../folders/operators.ts';
import { products } from '../folders/products.ts';
import { reading } from '../folders/reading.ts';
import { idempotency, waiting } from '../folders/repeating-and-waiting.ts';
import { registrations, rules } from '../folders/rules-and-registrations.ts';
import { exitoso, registroEventoFallido, registroPartnerFallido } from '../folders/scenarios.ts';
import { collection } from './model.ts';

const base = 'http://127.0.0.1:8000';

/** What every answer must be, whatever was asked. */
const always = `
  pm.test('is no fault of the server, and has the id of its request', () => {
    pm.expect(pm.response.code, pm.response.text().slice(0, 500)).to.be.below(500);
    pm.expect(pm.response.headers.get('X-Request-ID')).to.be.a('string').that.is.not.empty;
  });`;

export const cordadaCollection = collection(
  {
    id: '3c1d6a52-8a5f-4f0e-9a5e-0b7c9a6f2f10',
    name: 'Cordada',
    describe:
      'The sagas, through the BFF. Start Cordada with `npm start`; `base` is where it answers. Run the whole collection or one folder: each folder begins by choosing ids that nobody has used, so a run finds nothing of an earlier one in its way. A request that polls sends itself again until its saga is over, at most 150 times.',
  },
  { base },
  always,
  [
    exitoso,
    registroEventoFallido,
    registroPartnerFallido,
    reading,
    rules,
    registrations,
    deletes,
    deprecatedDeletes,
    compras,
    inventario,
    products,
    operators,
    idempotency,
    waiting,
    badInput,
  ],
);

/** The addresses of the demo that `npm start` begins. */
export const localEnvironment = {
  id: 'd1f0b4f5-6a0c-4a0d-8f2e-3a2c1d9e7b64',
  name: 'Cordada, local',
  values: [{ key: 'base', value: base, type: 'default', enabled: true }],
  _postman_variable_scope: 'environment',
};
