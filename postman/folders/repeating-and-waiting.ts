import { campaignBody, smallCampaignBody } from '../collection/campaign-body.ts';
import type { FolderSource } from '../collection/model.ts';

const keyed = { 'Idempotency-Key': '{{key}}' };

export const idempotency: FolderSource = {
  name: 'Idempotency-Key',
  describe:
    'A repeat of a write gets the same answer and does nothing; another body under the same key is refused.',
  requests: [
    {
      name: 'A campaign under a key',
      describe: 'The key is of the caller and the route.',
      method: 'POST',
      path: '/campaña-commando',
      headers: keyed,
      before: "newCampaign();\nsave('key', pm.variables.replaceIn('{{$guid}}'));",
      body: smallCampaignBody,
      test: `
        accepted(/^\\/api\\/sagas\\/campaign\\/[0-9a-f-]{36}$/);
        save('saga', saved('outcome'));
        save('answer', pm.response.text());
        pm.test('is no replay', () => pm.expect(pm.response.headers.has('Idempotent-Replayed')).to.equal(false));`,
    },
    ...[
      { path: '/campaña-commando', name: 'The same again' },
      { path: '/registrar-campaign/', name: 'The same by the alias' },
    ].map(({ path, name }) => ({
      name,
      describe:
        'The same status, the same body, `Idempotent-Replayed: true`. Aliases of a route count as one.',
      method: 'POST' as const,
      path,
      headers: keyed,
      body: smallCampaignBody,
      test: `
        accepted(/^\\/api\\/sagas\\/campaign\\/[0-9a-f-]{36}$/);
        pm.test('is the same answer, replayed', () => {
          pm.expect(saved('outcome')).to.equal(saved('saga'));
          pm.expect(pm.response.text()).to.equal(saved('answer'));
          pm.expect(pm.response.headers.get('Idempotent-Replayed')).to.equal('true');
        });`,
    })),
    {
      name: 'Another body under the same key: 422',
      describe: 'The key stands for the request that came first.',
      method: 'POST',
      path: '/campaña-commando',
      headers: keyed,
      body: { ...smallCampaignBody, presupuesto: '1.00' },
      test: 'refused(422);',
    },
    {
      name: 'Poll its one saga until it is COMPLETED',
      describe: 'The repeats have begun no other.',
      method: 'GET',
      path: '/api/sagas/campaign/{{saga}}',
      test: "pollSaga('COMPLETED', (saga) => sent(saga, { RegistrarCampaign: 1, RegistrarPartner: 1, RegistrarEvento: 1 }));",
    },
    {
      name: 'One campaign came of it',
      describe: 'Whatever was repeated took effect once.',
      method: 'GET',
      path: '/campaña-query',
      test: `
        answers(200);
        pm.test('one', () => all(mine('marca_id', 'marca'), 1, 'APROBADA'));
        save('campaign', mine('marca_id', 'marca')[0].id);`,
    },
    {
      name: 'A partner under a key',
      describe: 'Every POST takes a key.',
      method: 'POST',
      path: '/registrar-partner',
      headers: keyed,
      body: { id_campaign: '{{campaign}}', nombre: 'Una vez', tipo: 'afiliado', informacion_perfil: '' },
      test: `
        accepted(/^\\/api\\/operations\\/[0-9a-f-]{36}$/);
        save('answer', pm.response.text());`,
    },
    {
      name: 'The same partner again',
      describe: 'The same operation, replayed.',
      method: 'POST',
      path: '/registrar-partner',
      headers: keyed,
      body: { id_campaign: '{{campaign}}', nombre: 'Una vez', tipo: 'afiliado', informacion_perfil: '' },
      test: `
        accepted(/^\\/api\\/operations\\/[0-9a-f-]{36}$/);
        pm.test('is the same answer, replayed', () => {
          pm.expect(pm.response.text()).to.equal(saved('answer'));
          pm.expect(pm.response.headers.get('Idempotent-Replayed')).to.equal('true');
        });`,
    },
    {
      name: 'Poll the operation of that partner',
      describe: 'DONE, once.',
      method: 'GET',
      path: '/api/operations/{{outcome}}',
      test: "pollOperation('DONE', () => {});",
    },
    {
      name: 'One such partner came of it',
      describe: 'Besides the one that the saga registered.',
      method: 'GET',
      path: '/obtener-partners',
      test: `
        answers(200);
        pm.test('one', () =>
          all(mine('id_campaign', 'campaign').filter(({ nombre }) => nombre === 'Una vez'), 1, 'REGISTRADO'));`,
    },
  ],
};

export const waiting: FolderSource = {
  name: 'Prefer: wait',
  describe:
    'Any write that answers 202 can wait for its outcome: 200 with it, however it ended; 202 when the wait is over.',
  requests: [
    {
      name: 'Wait for a campaign',
      describe: 'Answers when the saga is over, with the saga.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10', 'X-Request-ID': 'postman-{{nombre}}' },
      before: "newCampaign();\nsave('nombre', saved('nombre').replace('Campaña ', ''));",
      body: campaignBody,
      test: `
        answers(200);
        pm.test('the saga, COMPLETED', () => {
          pm.expect(pm.response.json().estado).to.equal('COMPLETED');
          pm.expect(pm.response.json().tipo).to.equal('campaign');
        });
        pm.test('echoes X-Request-ID', () =>
          pm.expect(pm.response.headers.get('X-Request-ID')).to.equal('postman-' + saved('nombre')));`,
    },
    {
      name: 'Wait for a campaign that is refused',
      describe: 'The same name and brand again: 200 all the same, with the saga as it ended.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10' },
      body: campaignBody,
      test: `
        answers(200);
        pm.test('the saga, COMPENSATED', () => pm.expect(pm.response.json().estado).to.equal('COMPENSATED'));`,
    },
    {
      name: 'Wait no time at all',
      describe: '202, and the outcome to be read.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=0' },
      before: 'newCampaign();',
      body: campaignBody,
      test: 'accepted(/^\\/api\\/sagas\\/campaign\\/[0-9a-f-]{36}$/);',
    },
    {
      name: 'Poll what was not waited for',
      describe: 'It goes on by itself.',
      method: 'GET',
      path: '/api/sagas/campaign/{{outcome}}',
      test: "pollSaga('COMPLETED', () => {});",
    },
    {
      name: 'The campaign that was not waited for',
      describe: 'Its id, for the partner below.',
      method: 'GET',
      path: '/campaña-query',
      test: `
        answers(200);
        save('campaign', mine('marca_id', 'marca')[0].id);`,
    },
    {
      name: 'Wait for a partner',
      describe: 'A single write answers with its operation, over.',
      method: 'POST',
      path: '/registrar-partner',
      headers: { Prefer: 'wait=10' },
      body: { id_campaign: '{{campaign}}', nombre: 'Sin prisa', tipo: 'influencer', informacion_perfil: '' },
      test: `
        answers(200);
        pm.test('the operation, DONE', () => pm.expect(pm.response.json().estado).to.equal('DONE'));`,
    },
    {
      name: 'Wait for a campaign to be undone',
      describe: 'A DELETE answers 202, so it can wait too.',
      method: 'DELETE',
      path: '/api/campaigns/{{campaign}}',
      headers: { Prefer: 'wait=10' },
      test: `
        answers(200);
        pm.test('the undo saga, COMPLETED', () => {
          pm.expect(pm.response.json().estado).to.equal('COMPLETED');
          pm.expect(pm.response.json().deshace).to.be.a('string');
        });`,
    },
    {
      name: 'Its partner is gone with it',
      describe: 'Also the one that was registered directly.',
      method: 'GET',
      path: '/obtener-partners',
      test: `
        answers(200);
        pm.test('four, CANCELADO', () => all(mine('id_campaign', 'campaign'), 4, 'CANCELADO'));`,
    },
  ],
};
