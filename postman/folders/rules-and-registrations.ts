import { smallCampaignBody } from '../collection/campaign-body.ts';
import type { FolderSource, RequestSource } from '../collection/model.ts';

/** A campaign that is over, with one partner and one evento, for what follows to be about. */
export const completedCampaign = (name: string): RequestSource => ({
  name,
  describe: 'A campaign of one participant, APROBADA when this answers: `Prefer: wait=10`.',
  method: 'POST',
  path: '/campaña-commando',
  headers: { Prefer: 'wait=10' },
  before: 'newCampaign();',
  body: smallCampaignBody,
  test: `
    answers(200);
    pm.test('the saga is COMPLETED', () => pm.expect(pm.response.json().estado).to.equal('COMPLETED'));
    save('saga', pm.response.json().id);`,
});

/** Keeps the id of this run's campaign, partner or evento in a variable. */
export const remember = (
  what: 'campaign' | 'partner' | 'evento',
  name: string,
  field: string,
  variable: string,
): RequestSource => ({
  name,
  describe: `Finds the ${what} that this run made, and keeps its id for what follows.`,
  method: 'GET',
  path: `/obtener-${what}s`,
  test: `
    answers(200);
    const found = mine('${field}', '${variable}');
    pm.test('there is one', () => pm.expect(found.length).to.equal(1));
    save('${what}', found[0].id);`,
});

const operationOver = (name: string, end: 'DONE' | 'REJECTED', whenOver: string): RequestSource => ({
  name,
  describe: 'A single write has an operation: PENDING until its owner has decided, then DONE or REJECTED.',
  method: 'GET',
  path: '/api/operations/{{outcome}}',
  test: `pollOperation('${end}', (operation) => {\n${whenOver}\n});`,
});

const acceptedOperation = 'accepted(/^\\/api\\/operations\\/[0-9a-f-]{36}$/);';

export const rules: FolderSource = {
  name: 'Rules',
  describe:
    'What a service refuses is decided by rules that are set here, never by a magic value. A rule is plain HTTP to its owner.',
  requests: [
    completedCampaign('A campaign to try the rules on'),
    remember('campaign', 'Its id', 'marca_id', 'marca'),
    {
      name: 'Suspend a participant',
      describe: 'From now on nobody registers them.',
      method: 'PUT',
      path: '/api/participantes/{{participante2}}/suspension',
      body: { suspendido: true, motivo: 'Incumplió el contrato' },
      test: `
        answers(200);
        pm.test('says what holds now', () => pm.expect(pm.response.json().suspendido).to.equal(true));`,
    },
    {
      name: 'Register the suspended participant',
      describe: 'Taken, and then refused by its owner: the operation tells.',
      method: 'POST',
      path: '/registrar-partner',
      body: {
        id: '{{participante2}}',
        id_campaign: '{{campaign}}',
        nombre: 'Tienda Ocaña',
        tipo: 'afiliado',
        informacion_perfil: 'Papelería',
      },
      test: acceptedOperation,
    },
    operationOver(
      'Its operation is REJECTED, with the reason',
      'REJECTED',
      `pm.test('says why', () => pm.expect(JSON.stringify(operation.error).toLowerCase()).to.include('suspend'));`,
    ),
    {
      name: 'Lift the suspension',
      describe: 'The same participant may be registered again.',
      method: 'PUT',
      path: '/api/participantes/{{participante2}}/suspension',
      body: { suspendido: false },
      test: `
        answers(200);
        pm.test('says what holds now', () => pm.expect(pm.response.json().suspendido).to.equal(false));`,
    },
    {
      name: 'Register the participant again',
      describe: 'The very request that was refused before, under a key of its own.',
      method: 'POST',
      path: '/registrar-partner',
      body: {
        id: '{{participante2}}',
        id_campaign: '{{campaign}}',
        nombre: 'Tienda Ocaña',
        tipo: 'afiliado',
        informacion_perfil: 'Papelería',
      },
      test: acceptedOperation,
    },
    operationOver('Now it is DONE', 'DONE', ''),
    {
      name: 'Switch tracking off for the brand',
      describe: 'From now on no evento is registered for it.',
      method: 'PUT',
      path: '/api/marcas/{{marca}}/tracking',
      body: { activo: false },
      test: `
        answers(200);
        pm.test('says what holds now', () => pm.expect(pm.response.json().activo).to.equal(false));`,
    },
    remember('evento', 'An evento of the campaign, for its partner', 'id_campana', 'campaign'),
    {
      name: 'The partner of that evento',
      describe: 'Its `id_partner` is what a new evento is registered for.',
      method: 'GET',
      path: '/obtener-eventos/{{evento}}',
      test: `
        answers(200);
        save('partner', pm.response.json().id_partner);`,
    },
    {
      name: 'Register an evento for the brand',
      describe: 'The BFF takes the brand from the campaign; tracking refuses.',
      method: 'POST',
      path: '/registrar-evento',
      body: { id_partner: '{{partner}}', id_campana: '{{campaign}}' },
      test: acceptedOperation,
    },
    operationOver('Its operation is REJECTED', 'REJECTED', ''),
    {
      name: 'Switch tracking on again',
      describe: 'Eventos may be registered again.',
      method: 'PUT',
      path: '/api/marcas/{{marca}}/tracking',
      body: { activo: true },
      test: `
        answers(200);
        pm.test('says what holds now', () => pm.expect(pm.response.json().activo).to.equal(true));`,
    },
    {
      name: 'The audit says who set the rules',
      describe: 'Each rule that was set left a row, newest first.',
      method: 'GET',
      path: '/api/auditoria',
      test: `
        answers(200);
        const on = (variable) => mine('sobre', variable).map(({ quien, que }) => quien + ' ' + que);
        pm.test('the suspension and its end', () =>
          pm.expect(on('participante2')).to.deep.equal(['demo participante.readmitir', 'demo participante.suspender']));
        pm.test('tracking off and on', () =>
          pm.expect(on('marca')).to.deep.equal(['demo marca.tracking.activar', 'demo marca.tracking.desactivar']));`,
    },
    {
      name: 'A rule of the wrong type: 400',
      describe: 'A word is no boolean.',
      method: 'PUT',
      path: '/api/marcas/{{marca}}/tracking',
      body: { activo: 'no' },
      test: "refused(400, 'activo');",
    },
  ],
};

export const registrations: FolderSource = {
  name: 'Direct registrations',
  describe: 'A partner and an evento outside any saga. Their campaign and partner must be there and live.',
  requests: [
    completedCampaign('A campaign to register for'),
    remember('campaign', 'Its id', 'marca_id', 'marca'),
    {
      name: 'Register a partner',
      describe: 'A participant `id` is optional here. 202, with the operation to read.',
      method: 'POST',
      path: '/registrar-partner',
      body: {
        id_campaign: '{{campaign}}',
        nombre: 'Radio Ñuñoa',
        tipo: 'afiliado',
        informacion_perfil: 'Emisora local',
      },
      test: acceptedOperation,
    },
    operationOver(
      'Poll its operation until it is DONE',
      'DONE',
      `pm.test('names the partner', () => pm.expect(operation.recurso).to.match(/[0-9a-f-]{36}$/));
      save('partner', operation.recurso.split('/').pop());`,
    ),
    {
      name: 'The partner: REGISTRADO',
      describe: 'It reads back as it was sent.',
      method: 'GET',
      path: '/obtener-partners/{{partner}}',
      test: `
        answers(200);
        pm.test('is as it was sent', () => {
          pm.expect(pm.response.json()).to.deep.include({
            id: saved('partner'), id_campaign: saved('campaign'), nombre: 'Radio Ñuñoa', tipo: 'afiliado',
            informacion_perfil: 'Emisora local', estado: 'REGISTRADO',
          });
        });`,
    },
    {
      name: 'Register an evento for that partner',
      describe: 'The BFF reads the brand from the campaign.',
      method: 'POST',
      path: '/registrar-evento/',
      body: { id_partner: '{{partner}}', id_campana: '{{campaign}}' },
      test: acceptedOperation,
    },
    operationOver(
      'Poll its operation until it is DONE too',
      'DONE',
      `save('evento', operation.recurso.split('/').pop());`,
    ),
    {
      name: 'The evento: REGISTRADO',
      describe: 'It belongs to that partner and that campaign.',
      method: 'GET',
      path: '/obtener-eventos/{{evento}}',
      test: `
        answers(200);
        pm.test('is as it was sent', () => {
          pm.expect(pm.response.json()).to.deep.include({
            id: saved('evento'), id_partner: saved('partner'), id_campana: saved('campaign'), estado: 'REGISTRADO',
          });
        });`,
    },
    {
      name: 'A partner of a campaign that nobody has',
      describe: 'Refused at once: the BFF asks the owner of the campaign first.',
      method: 'POST',
      path: '/registrar-partner',
      body: { id_campaign: '{{$guid}}', nombre: 'Nadie', tipo: 'afiliado', informacion_perfil: '' },
      test: 'refused(404);',
    },
    {
      name: 'An evento of a partner that nobody has',
      describe: 'Refused at once, as above.',
      method: 'POST',
      path: '/registrar-evento',
      body: { id_partner: '{{$guid}}', id_campana: '{{campaign}}' },
      test: 'refused(404);',
    },
    {
      name: 'An operation that nobody has',
      describe: 'A 404 that says when to ask again: its owner may be behind.',
      method: 'GET',
      path: '/api/operations/{{$guid}}',
      test: 'refused(404);',
    },
  ],
};
