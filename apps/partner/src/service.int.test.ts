import type { Delivery } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import { testServiceDeps } from '@cordada/infra/testing/service-deps.ts';
import { contracts } from '@cordada/schemas';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { build, migrations } from './service.ts';

const test = suite('the partner service');
const deps = await testServiceDeps('partner', migrations);
const service = await build(deps);
await service.start();
const seen: Delivery[] = [];
await deps.bus.subscribe(
  {
    topics: [...(manifest.subscriptions.get('campaign.coordinator')?.topics ?? [])],
    subscription: 'campaign.coordinator',
    mode: 'shared-by-key',
    maxBatch: 100,
  },
  async (batch) => {
    seen.push(...batch);
  },
);

test.after(async () => {
  await service.drain();
  await service.stop();
  await deps.close();
});

const until = async (count: number): Promise<void> => {
  for (let i = 0; seen.length < count && i < 500; i += 1) await new Promise((r) => setTimeout(r, 5));
  assert.is(seen.length, count);
};

const call = (method: 'GET' | 'PUT' | 'DELETE', url: string, payload?: object) =>
  service.app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${deps.tokens.sign('bff', 'partner')}` },
    ...(payload && { payload }),
  });

const register = (saga: string, item: number, participant: string) => {
  const id = deps.runtime.uuid();
  const message = busMessage(
    {
      contract: contracts.RegistrarPartner,
      body: {
        id_partner: id,
        id_campaign: 'c1',
        id_participante: participant,
        nombre: 'Ana 🎒',
        tipo: 'afiliado',
        informacion_perfil: '',
      },
      correlationId: saga,
      subject: id,
      idempotencyKey: `${saga}/partner/${item}`,
    },
    'campaign',
    deps.runtime,
  );
  return { id, message };
};

test('registers a partner once, however often the command comes', async () => {
  seen.length = 0;
  const saga = deps.runtime.uuid();
  const { id, message } = register(saga, 0, 'p1');
  await deps.bus.publish([message]);
  await deps.bus.publish([message]);
  await until(2);
  assert.equal(new Set(seen.map((d) => d.topic)), new Set([contracts.PartnerRegistrado.topic]));
  const answer = await call('GET', `/partners/${id}`);
  assert.equal(answer.json(), {
    id,
    id_campaign: 'c1',
    nombre: 'Ana 🎒',
    tipo: 'afiliado',
    informacion_perfil: '',
    estado: 'REGISTRADO',
    saga_id: saga,
  });
  assert.is((await call('DELETE', `/partners/${id}`)).statusCode, 409);
});

test('refuses who is suspended, by a rule that is set and audited', async () => {
  seen.length = 0;
  const rule = { suspendido: true, motivo: 'impago', quien: 'demo' };
  assert.is((await call('PUT', '/participantes/p2/suspension', rule)).statusCode, 200);
  await deps.bus.publish([register(deps.runtime.uuid(), 0, 'p2').message]);
  await until(1);
  assert.is(seen[0]?.topic, contracts.RegistroPartnerFallido.topic);
  const refusal = contracts.RegistroPartnerFallido.decode(seen[0]?.payload as Uint8Array);
  assert.is(refusal.codigo, 'PARTICIPANTE_SUSPENDIDO');
  const { auditoria } = (await call('GET', '/auditoria')).json();
  assert.is(auditoria[0].que, 'participante.suspender');
  assert.is(auditoria[0].quien, 'demo');
});

test('cancels what is left of a campaign that is gone, and refuses what comes later', async () => {
  seen.length = 0;
  const event = busMessage(
    {
      contract: contracts.CampaignCancelada,
      body: { id_campaign: 'c1', motivo: 'fin', fecha: new Date() },
      correlationId: 's',
      subject: 'c1',
      idempotencyKey: 's/campaign/0/CampaignCancelada',
    },
    'campaign',
    deps.runtime,
  );
  await deps.bus.publish([event]);
  await until(1);
  assert.is(seen[0]?.topic, contracts.PartnerCancelado.topic);
  await deps.bus.publish([register(deps.runtime.uuid(), 0, 'p3').message]);
  await until(2);
  assert.is(seen[1]?.topic, contracts.RegistroPartnerFallido.topic);
  const partners = (await call('GET', '/partners')).json();
  assert.equal(
    partners.map((p: { estado: string }) => p.estado),
    ['CANCELADO'],
  );
});

test.run();
