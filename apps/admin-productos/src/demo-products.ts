import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import type { Messaging } from '@cordada/infra/service/messaging.ts';
import { uuidV5 } from '@cordada/infra/uuid-v5.ts';
import { createProducts } from './commands.ts';
import { skuOf } from './producto.ts';
import { isSown, reserveNumbers, sow } from './store.ts';

/** The name space of the demo's ids (a random UUID, fixed for ever): every replica makes the same ones. */
const DEMO = 'c1f7a7a6-4f0e-4d9b-8f0c-6b0f1c5a9e21';
const NAME = 'demo';
const UNITS = 100;

/** Name and price of the products 1 to 18. */
const shelf: readonly (readonly [string, string])[] = [
  ['Café de Nariño 500 g', '18500.00'],
  ['Panela 1 kg', '6200.00'],
  ['Arroz 5 kg', '21900.00'],
  ['Fríjol cargamanto 1 kg', '9800.00'],
  ['Aceite de girasol 1 l', '13400.00'],
  ['Chocolate de mesa 500 g', '8900.00'],
  ['Leche entera 1 l', '4300.00'],
  ['Queso campesino 500 g', '12700.00'],
  ['Huevos, 30', '17900.00'],
  ['Arepas, 5', '4100.00'],
  ['Atún en lata 170 g', '6700.00'],
  ['Pasta 500 g', '3900.00'],
  ['Sal marina 1 kg', '2400.00'],
  ['Azúcar morena 1 kg', '5100.00'],
  ['Jabón de tocador, 3', '7600.00'],
  ['Papel higiénico, 12', '19900.00'],
  ['Detergente 2 kg', '23500.00'],
  ['Agua 5 l', '5600.00'],
];

/**
 * Puts the demo's products 1 to 18, with price and stock, in as any others are: once in the life of the database,
 * however many replicas start at once, and whatever became of them since.
 */
export const sowDemoProducts = async (
  messaging: Messaging,
  database: ServiceDatabase,
  runtime: Runtime,
): Promise<void> => {
  if (await isSown(database, NAME)) return;
  await messaging.unitOfWork.transact(async (tx) => {
    const now = new Date(runtime.now());
    if (!(await sow(tx, NAME, now))) return { result: undefined, publish: [] };
    const free = await reserveNumbers(
      tx,
      shelf.map((_, index) => index + 1),
    );
    const products = free.map((numero) => {
      const [nombre = '', precio = ''] = shelf[numero - 1] ?? [];
      return {
        id: uuidV5(`producto ${numero}`, DEMO),
        numero,
        sku: skuOf(numero),
        nombre,
        descripcion: null,
        precio,
        operacion: uuidV5(`operación ${numero}`, DEMO),
        cantidad: UNITS,
      };
    });
    return { result: undefined, publish: products.length > 0 ? createProducts(tx, products, now) : [] };
  });
};
