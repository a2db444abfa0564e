import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EstadoProducto, type Noticia, settled, skuOf } from './producto.ts';

const test = suite('a product');

test('is settled by news that come in any order: gone is final, and what was refused never was', () => {
  const after = (...noticias: Noticia[]): EstadoProducto =>
    noticias.reduce<EstadoProducto>(settled, 'PENDIENTE');
  assert.is(after('creado'), 'ACTIVO');
  assert.is(after('rechazado'), 'RECHAZADO');
  assert.is(after('creado', 'eliminado'), 'ELIMINADO');
  assert.is(after('eliminado', 'creado'), 'ELIMINADO');
  assert.is(after('eliminado', 'rechazado'), 'ELIMINADO');
  assert.is(after('creado', 'rechazado'), 'ACTIVO');
  assert.is(after('rechazado', 'creado'), 'RECHAZADO');
});

test('is called by its number where it has no SKU of its own', () => {
  assert.is(skuOf(7), 'P-7');
});

test.run();
