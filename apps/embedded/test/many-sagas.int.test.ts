// time limit: 120 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startApiFleet } from './api-fleet.ts';
import { noDeletions } from './kills/deletions.ts';
import type { Asked } from './kills/load.ts';
import { faultsOf } from './kills/outcome.ts';

const { fleet, call, campaign, completed } = await startApiFleet();
const { bff, ...behind } = fleet.urls;

const waiting = { prefer: 'wait=60' };
const stateOf = async (saga: string): Promise<string> =>
  (await call('GET', `/api/sagas/campaign/${saga}`)).json.estado;
const suspended = async (): Promise<string> => {
  const [one] = campaign(1).participantes;
  const answer = await call('PUT', `/api/participantes/${one?.id}/suspension`, { suspendido: true });
  assert.is(answer.status, 200, answer.text);
  return one?.id ?? '';
};
/** How a campaign stands, and how many of its partners and eventos live or were cancelled. */
const left = async (idCampaign: string) => {
  const count = async (path: string, field: string) => {
    const all: Record<string, string>[] = (await call('GET', path)).json;
    const ours = all.filter((one) => one[field] === idCampaign);
    return {
      REGISTRADO: ours.filter(({ estado }) => estado === 'REGISTRADO').length,
      CANCELADO: ours.filter(({ estado }) => estado === 'CANCELADO').length,
    };
  };
  return {
    campaign: (await call('GET', `/obtener-campaigns/${idCampaign}`)).json.estado,
    partners: await count('/obtener-partners', 'id_campaign'),
    eventos: await count('/obtener-eventos', 'id_campana'),
  };
};

const sixty = suite('60 sagas at once, each fourth refused');

sixty('leave all or nothing each, and none is shed', async () => {
  const who = await suspended();
  const withoutTracking = campaign(0).marca_id;
  await call('PUT', `/api/marcas/${withoutTracking}/tracking`, { activo: false });
  const bodies = Array.from({ length: 60 }, (_, at) => {
    const body = campaign(1 + (at % 5));
    if (at % 4 !== 3) return body;
    if (at % 8 === 3) return { ...body, marca_id: withoutTracking };
    // The refused one of several partners stands at the beginning, in the midst, or at the end.
    const participantes = [...body.participantes];
    const place = at % participantes.length;
    const one = participantes[place];
    if (one) participantes[place] = { ...one, id: who };
    return { ...body, participantes };
  });
  const answers = await Promise.all(bodies.map((body) => call('POST', '/registrar-campaign', body)));
  assert.equal(
    answers.map(({ status }) => status),
    bodies.map(() => 202),
  );
  const asked = bodies.map(
    ({ nombre, marca_id, participantes }, at): Asked => ({
      key: '',
      nombre,
      marca: marca_id,
      participantes: participantes.map(({ id }) => id),
      refused: at % 4 === 3,
      fate: 'accepted',
      deletions: noDeletions(),
    }),
  );
  assert.equal(await faultsOf(bff, Object.values(behind), asked), []);
  const ends = await Promise.all(answers.map(({ json }) => stateOf(json.id)));
  assert.equal(
    ends,
    bodies.map((_, at) => (at % 4 === 3 ? 'COMPENSATED' : 'COMPLETED')),
  );
  // Their names are free again, and nothing of theirs stands in the way.
  await call('PUT', `/api/marcas/${withoutTracking}/tracking`, { activo: true });
  await call('PUT', `/api/participantes/${who}/suspension`, { suspendido: false });
  for (const body of bodies.filter((_, at) => at % 4 === 3)) await completed(body);
});

const wide = suite('a saga of 500 participants');

wide('registers every one of them with its evento, and a DELETE undoes them all', async () => {
  const { status, json } = await call('POST', '/registrar-campaign', campaign(500), waiting);
  assert.is(status, 200);
  assert.is(json.estado, 'COMPLETED');
  const [{ id }] = (await call('GET', '/obtener-campaigns')).json.slice(-1);
  assert.equal(await left(id), {
    campaign: 'APROBADA',
    partners: { REGISTRADO: 500, CANCELADO: 0 },
    eventos: { REGISTRADO: 500, CANCELADO: 0 },
  });
  const undone = await call('DELETE', `/api/campaigns/${id}`, undefined, waiting);
  assert.is(undone.json.estado, 'COMPLETED', undone.text.slice(0, 200));
  assert.equal(await left(id), {
    campaign: 'CANCELADA',
    partners: { REGISTRADO: 0, CANCELADO: 500 },
    eventos: { REGISTRADO: 0, CANCELADO: 500 },
  });
});

wide('of which one is refused leaves none of the others', async () => {
  const body = campaign(500);
  const participantes = body.participantes.with(250, {
    id: await suspended(),
    tipo: 'afiliado',
    nombre: 'Suspendido',
    informacion_perfil: '',
  });
  const { json } = await call('POST', '/registrar-campaign', { ...body, participantes }, waiting);
  assert.is(json.estado, 'COMPENSATED');
  assert.is(json.motivo.codigo, 'PARTICIPANTE_SUSPENDIDO');
  const [{ id }] = (await call('GET', '/obtener-campaigns')).json.slice(-1);
  assert.equal(await left(id), {
    campaign: 'CANCELADA',
    partners: { REGISTRADO: 0, CANCELADO: 499 },
    eventos: { REGISTRADO: 0, CANCELADO: 0 },
  });
});

wide('keeps the others moving: small ones that come after it end before it', async () => {
  for (let turn = 0; turn < 4; turn += 1) {
    let running = true;
    const large = call('POST', '/registrar-campaign', campaign(500), waiting).then(({ json }) => {
      running = false;
      return json.estado;
    });
    const ended: string[] = [];
    while (running) {
      const { json } = await call('POST', '/registrar-campaign', campaign(2), waiting);
      if (running) ended.push(json.estado);
    }
    assert.is(await large, 'COMPLETED');
    assert.ok(ended.length >= 2, `${ended.length} others ended meanwhile`);
    assert.ok(ended.every((estado) => estado === 'COMPLETED'));
  }
});

wide.after(() => fleet.stop());

for (const each of [sixty, wide]) each.run();
