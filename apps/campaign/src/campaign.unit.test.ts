import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { normalizedName, refusalOf } from './campaign.ts';

const test = suite('a campaign');
const wanted = { nombre: 'Otoño', marcaId: 'm1', divisa: 'COP' };

test('is registered when its currency exists and its name is free', () => {
  assert.is(refusalOf(wanted, undefined), undefined);
});

for (const divisa of ['XXY', 'cop', '', 'DEM', '__proto__'])
  test(`is refused in the currency "${divisa}", which is not one of ISO 4217`, () => {
    assert.is(refusalOf({ ...wanted, divisa }, undefined)?.codigo, 'DIVISA_DESCONOCIDA');
  });

test('is refused while its brand has a live campaign of that name, and hears when that one is still pending', () => {
  const approved = refusalOf(wanted, { estado: 'APROBADA' });
  assert.is(approved?.codigo, 'CAMPAIGN_DUPLICADA');
  assert.not.match(approved?.motivo ?? '', /PENDIENTE/);
  assert.match(refusalOf(wanted, { estado: 'PENDIENTE' })?.motivo ?? '', /todavía PENDIENTE/);
});

test('has the same name in another case or composition', () => {
  assert.is(normalizedName('OTOÑO'), normalizedName('otoño'));
});

test.run();
