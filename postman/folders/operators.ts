import { campaignBody, smallCampaignBody } from '../collection/campaign-body.ts';
import type { FolderSource, RequestSource } from '../collection/model.ts';

const verb = (name: string, path: string, body: object, test: string): RequestSource => ({
  name,
  describe:
    'A verb is for a PARKED saga only, wants a reason, and leaves a row in the audit. Nothing is parked here, so nothing may happen.',
  method: 'POST',
  path,
  body,
  test,
});

export const operators: FolderSource = {
  name: 'Operator views',
  describe:
    'Sagas listed, searched and in detail, held and unpublished messages, the audit, and the verbs on what is not parked.',
  requests: [
    {
      name: 'A saga that succeeds',
      describe: 'One to look at: `Prefer: wait=10` answers when it is over.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10' },
      before: 'newCampaign();',
      body: smallCampaignBody,
      test: `
        answers(200);
        save('saga', pm.response.json().id);
        pm.test('is COMPLETED', () => pm.expect(pm.response.json().estado).to.equal('COMPLETED'));`,
    },
    {
      name: 'A saga that is undone',
      describe: 'The same brand and name again: refused by the campaign service, since that one is live.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10' },
      body: campaignBody,
      test: `
        answers(200);
        save('saga2', pm.response.json().id);
        pm.test('is COMPENSATED', () => pm.expect(pm.response.json().estado).to.equal('COMPENSATED'));`,
    },
    {
      name: 'List sagas, newest first',
      describe: 'A page of them; `siguiente` is the cursor of the next one.',
      method: 'GET',
      path: '/api/sagas?limit=2',
      test: `
        answers(200);
        const page = pm.response.json();
        pm.test('two of them, newest first, and a cursor', () => {
          pm.expect(page.sagas).to.have.lengthOf(2);
          pm.expect(Date.parse(page.sagas[0].iniciada)).to.be.at.least(Date.parse(page.sagas[1].iniciada));
          pm.expect(page.siguiente).to.be.a('string').that.is.not.empty;
        });
        save('cursor', encodeURIComponent(page.siguiente));
        save('seen', JSON.stringify(page.sagas.map(({ id }) => id)));`,
    },
    {
      name: 'The next page of sagas',
      describe: 'Goes on where the one before ended.',
      method: 'GET',
      path: '/api/sagas?limit=2&cursor={{cursor}}',
      test: `
        answers(200);
        pm.test('none of them again', () => {
          const seen = JSON.parse(saved('seen'));
          for (const { id } of pm.response.json().sagas) pm.expect(seen).not.to.include(id);
        });`,
    },
    {
      name: 'Search sagas by the business key',
      describe: '`clave` is the brand or the name of the campaign.',
      method: 'GET',
      path: '/api/sagas?tipo=campaign&clave={{marca}}',
      test: `
        answers(200);
        pm.test('both sagas of the brand', () => {
          pm.expect(pm.response.json().sagas.map(({ id }) => id)).to.have.members([saved('saga'), saved('saga2')]);
        });`,
    },
    {
      name: 'Search sagas by state and time',
      describe: 'Only those that were undone, begun in the last hour.',
      method: 'GET',
      path: '/api/sagas?tipo=campaign&estado=COMPENSATED&clave={{marca}}&desde={{desde}}',
      before: "pm.variables.set('desde', new Date(Date.now() - 3600000).toISOString());",
      test: `
        answers(200);
        pm.test('the second one alone', () => {
          pm.expect(pm.response.json().sagas.map(({ id }) => id)).to.deep.equal([saved('saga2')]);
        });`,
    },
    {
      name: 'Search sagas before the day began',
      describe: '`hasta` excludes what began later.',
      method: 'GET',
      path: '/api/sagas?clave={{marca}}&hasta=2020-01-01T00:00:00Z',
      test: `
        answers(200);
        pm.test('none', () => pm.expect(pm.response.json().sagas).to.be.empty);`,
    },
    {
      name: 'A state that does not exist: 400',
      describe: 'Names the parameter.',
      method: 'GET',
      path: '/api/sagas?estado=TERMINADA',
      test: "refused(400, 'estado');",
    },
    {
      name: 'A saga in detail',
      describe: 'Steps with their commands, events and times; what remains; every message, oldest first.',
      method: 'GET',
      path: '/api/sagas/campaign/{{saga}}',
      test: `
        answers(200);
        const saga = pm.response.json();
        pm.test('names its trace', () => pm.expect(saga.traza).to.match(/^[0-9a-f]{32}$/));
        pm.test('has these fields', () => {
          pm.expect(saga).to.include.all.keys(
            'id', 'tipo', 'estado', 'definicion', 'iniciada', 'actualizada', 'clave', 'pasos', 'restantes', 'mensajes');
          pm.expect(saga.tipo).to.equal('campaign');
          pm.expect(JSON.stringify(saga.clave)).to.include(saved('marca'));
        });
        pm.test('its steps', () => {
          pm.expect(saga.pasos.map(({ comando }) => comando)).to.include.members([
            'RegistrarCampaign', 'RegistrarPartner', 'RegistrarEvento', 'AprobarReserva',
          ]);
          for (const paso of saga.pasos) pm.expect(paso).to.include.all.keys('nombre', 'estado', 'comando', 'desde');
        });
        pm.test('its messages, oldest first', () => {
          const times = saga.mensajes.map(({ fecha }) => Date.parse(fecha));
          pm.expect(times).to.deep.equal([...times].sort((a, b) => a - b));
          for (const mensaje of saga.mensajes) {
            pm.expect(mensaje).to.include.all.keys('id', 'contrato', 'direccion', 'fecha', 'causa');
          }
        });`,
    },
    {
      name: 'Why a saga was undone',
      describe: 'The step that was refused says why.',
      method: 'GET',
      path: '/api/sagas/campaign/{{saga2}}',
      test: `
        answers(200);
        pm.test('the reason stands with the step', () => {
          const [paso] = pm.response.json().pasos;
          pm.expect(paso.comando).to.equal('RegistrarCampaign');
          pm.expect(paso.motivo).to.be.a('string').that.is.not.empty;
        });`,
    },
    {
      name: 'A saga that nobody has: 404',
      describe: 'Says when to ask again: its owner may only be behind.',
      method: 'GET',
      path: '/api/sagas/campaign/{{$guid}}',
      test: `
        refused(404);
        pm.test('says when to ask again', () => pm.expect(pm.response.headers.has('Retry-After')).to.equal(true));`,
    },
    {
      name: 'A kind of saga that does not exist: 404',
      describe: 'There is no such `tipo`.',
      method: 'GET',
      path: '/api/sagas/nada/{{saga}}',
      test: 'refused(404);',
    },
    verb(
      'Retry a step of a saga that is not parked: 409',
      '/api/sagas/campaign/{{saga}}/pasos/aprobacion/reintentar',
      { motivo: 'prueba' },
      'refused(409);',
    ),
    verb(
      'Skip a step of a saga that is not parked: 409',
      '/api/sagas/campaign/{{saga}}/pasos/aprobacion/omitir',
      { motivo: 'prueba' },
      'refused(409);',
    ),
    verb(
      'Mark a step done of a saga that nobody has: 404',
      '/api/sagas/campaign/{{$guid}}/pasos/aprobacion/completar',
      { motivo: 'prueba' },
      'refused(404);',
    ),
    verb(
      'Retry a step that the saga does not have: 404',
      '/api/sagas/campaign/{{saga}}/pasos/nada/reintentar',
      { motivo: 'prueba' },
      'refused(404);',
    ),
    {
      ...verb(
        'A verb that is refused under an Idempotency-Key: 409',
        '/api/sagas/campaign/{{saga}}/pasos/aprobacion/completar',
        { motivo: 'prueba' },
        "refused(409);\n        save('refusedVerb', pm.response.json().errors[0].code);",
      ),
      headers: { 'Idempotency-Key': 'verbo-{{saga}}' },
    },
    {
      ...verb(
        'The same key again: refused afresh, since nothing was done',
        '/api/sagas/campaign/{{saga}}/pasos/aprobacion/completar',
        { motivo: 'otro motivo' },
        `
        refused(409);
        pm.test('is no replay, and no other body under a key that was used', () => {
          pm.expect(pm.response.json().errors[0].code).to.equal(saved('refusedVerb'));
          pm.expect(pm.response.headers.has('Idempotent-Replayed')).to.equal(false);
        });`,
      ),
      headers: { 'Idempotency-Key': 'verbo-{{saga}}' },
    },
    verb(
      'A verb without a reason: 400',
      '/api/sagas/campaign/{{saga}}/pasos/aprobacion/omitir',
      {},
      "refused(400, 'motivo');",
    ),
    {
      name: 'Held messages',
      describe:
        'Messages that could not be handled and wait, in order, behind a key. In a healthy system: none.',
      method: 'GET',
      path: '/api/mensajes-retenidos',
      test: `
        answers(200);
        pm.test('a list', () => pm.expect(pm.response.json()).to.be.an('array'));`,
    },
    {
      name: 'Messages that the bus refuses',
      describe:
        'What is committed and cannot be published, with the later messages of its key. In a healthy system: none.',
      method: 'GET',
      path: '/api/mensajes-sin-publicar',
      test: `
        answers(200);
        pm.test('a list', () => pm.expect(pm.response.json()).to.be.an('array'));`,
    },
    verb(
      'Publish a message again that nobody has: 404',
      '/api/mensajes-sin-publicar/partner-0/reintentar',
      { motivo: 'prueba' },
      'refused(404);',
    ),
    verb(
      'Give up a message that nobody has: 404',
      '/api/mensajes-sin-publicar/nadie-1/omitir',
      { motivo: 'prueba' },
      'refused(404);',
    ),
    verb(
      'Skip a held message that nobody has: 404',
      '/api/mensajes-retenidos/{{$guid}}/omitir',
      { motivo: 'prueba' },
      'refused(404);',
    ),
    verb(
      'Retry a held message that nobody has: 404',
      '/api/mensajes-retenidos/{{$guid}}/reintentar',
      { motivo: 'prueba' },
      'refused(404);',
    ),
    {
      name: 'The audit',
      describe: 'Who did what, when and why. What was refused above left no row.',
      method: 'GET',
      path: '/api/auditoria',
      test: `
        answers(200);
        pm.test('has no row about a saga that no verb has changed', () => {
          pm.expect(pm.response.json()).to.be.an('array');
          pm.expect(pm.response.text()).not.to.include(saved('saga'));
        });`,
    },
  ],
};
