import { campaignBody } from '../collection/campaign-body.ts';
import type { FolderSource, RequestSource } from '../collection/model.ts';

const outcomeOver = (name: string): RequestSource => ({
  name,
  describe: 'Whatever undoes it, a saga or an operation: read where the 202 said.',
  method: 'GET',
  path: '{{location}}',
  test: `
    poll(({ estado }) => !['PENDING', 'RUNNING', 'COMPENSATING'].includes(estado), ({ estado }) => {
      pm.test('the undoing is done', () => pm.expect(estado).to.be.oneOf(['COMPLETED', 'DONE']));
    });`,
});

const accepted = 'accepted(/^\\/api\\/(sagas\\/campaign|operations)\\/[0-9a-f-]{36}$/);';

const reads = (name: string, path: string, estado: string): RequestSource => ({
  name,
  describe: 'The state that the undoing left.',
  method: 'GET',
  path,
  test: `
    answers(200);
    pm.test('is ${estado}', () => pm.expect(pm.response.json().estado).to.equal('${estado}'));`,
});

export const deletes: FolderSource = {
  name: 'Deletes',
  describe:
    'A DELETE of what a saga made is decided by its coordinator; a 202 promises the undoing. First one evento, then one partner with its evento, then all of the campaign.',
  requests: [
    {
      name: 'A campaign of three to take apart',
      describe: 'APROBADA when this answers: `Prefer: wait=10`.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10' },
      before: 'newCampaign();',
      body: campaignBody,
      test: `
        answers(200);
        pm.test('the saga is COMPLETED', () => pm.expect(pm.response.json().estado).to.equal('COMPLETED'));
        save('saga', pm.response.json().id);`,
    },
    {
      name: 'The id of the campaign',
      describe: 'Kept for what follows.',
      method: 'GET',
      path: '/campaña-query',
      test: `
        answers(200);
        save('campaign', mine('marca_id', 'marca')[0].id);`,
    },
    {
      name: 'Its eventos',
      describe: 'One will be deleted alone; the partner of the second will take the second with it.',
      method: 'GET',
      path: '/obtener-eventos',
      test: `
        answers(200);
        const eventos = mine('id_campana', 'campaign');
        pm.test('three eventos', () => all(eventos, 3, 'REGISTRADO'));
        save('evento', eventos[0].id);
        save('partner', eventos[1].id_partner);
        save('evento2', eventos[1].id);
        save('evento3', eventos[2].id);`,
    },
    {
      name: 'Delete one evento',
      describe: 'Undoes just that, once its saga is COMPLETED.',
      method: 'DELETE',
      path: '/api/eventos/{{evento}}',
      test: accepted,
    },
    outcomeOver('Poll until the evento is undone'),
    reads('That evento is CANCELADO', '/obtener-eventos/{{evento}}', 'CANCELADO'),
    reads('Another one is REGISTRADO as it was', '/obtener-eventos/{{evento2}}', 'REGISTRADO'),
    {
      name: 'Delete one partner',
      describe: 'With its eventos.',
      method: 'DELETE',
      path: '/api/partners/{{partner}}/',
      test: accepted,
    },
    outcomeOver('Poll until the partner is undone'),
    reads('That partner is CANCELADO', '/obtener-partners/{{partner}}', 'CANCELADO'),
    reads('Its evento is CANCELADO with it', '/obtener-eventos/{{evento2}}', 'CANCELADO'),
    reads('The campaign is APROBADA as it was', '/campaña-query/{{campaign}}', 'APROBADA'),
    {
      name: 'Delete the campaign',
      describe: 'Once COMPLETED, an undo saga runs over all that is left of it.',
      method: 'DELETE',
      path: '/api/campaigns/{{campaign}}',
      test: 'accepted(/^\\/api\\/sagas\\/campaign\\/[0-9a-f-]{36}$/);',
    },
    {
      name: 'Poll the undo saga until it is COMPLETED',
      describe: 'A saga of the same kind with an id of its own; `deshace` is the saga that it undoes.',
      method: 'GET',
      path: '/api/sagas/campaign/{{outcome}}',
      test: `
        pollSaga('COMPLETED', (saga) => {
          pm.test('says which saga it undoes', () => {
            pm.expect(saga.deshace).to.equal(saved('saga'));
            pm.expect(saga.id).not.to.equal(saved('saga'));
          });
        });`,
    },
    reads('The campaign is CANCELADA', '/campaña-query/{{campaign}}', 'CANCELADA'),
    {
      name: 'Every partner is CANCELADO',
      describe: 'Nothing of the campaign lives on at the partner service.',
      method: 'GET',
      path: '/obtener-partners',
      test: `
        answers(200);
        pm.test('three, CANCELADO', () => all(mine('id_campaign', 'campaign'), 3, 'CANCELADO'));`,
    },
    {
      name: 'Every evento is CANCELADO',
      describe: 'Nothing of the campaign lives on at the tracking service.',
      method: 'GET',
      path: '/obtener-eventos',
      test: `
        answers(200);
        pm.test('three, CANCELADO', () => all(mine('id_campana', 'campaign'), 3, 'CANCELADO'));`,
    },
    {
      name: 'Delete the campaign again: 409',
      describe: 'It is gone already; nothing more is begun.',
      method: 'DELETE',
      path: '/api/campaigns/{{campaign}}',
      test: 'refused(409);',
    },
    {
      name: 'The audit says who deleted',
      describe:
        'Each DELETE that began something left a row: who (`demo` in the demo), when, what, why. A refused one left none.',
      method: 'GET',
      path: '/api/auditoria',
      test: `
        answers(200);
        const rows = pm.response.json().filter(({ sobre }) => sobre.startsWith(saved('saga')));
        pm.test('the campaign, the partner and the evento, newest first', () => {
          pm.expect(rows.map(({ sobre }) => sobre)).to.deep.equal([
            saved('saga'), saved('saga') + '/' + saved('partner'), saved('saga') + '/' + saved('evento'),
          ]);
        });
        pm.test('who, when and why', () => {
          for (const row of rows) {
            pm.expect(row).to.deep.include({ quien: 'demo', que: 'saga.deshacer' });
            pm.expect(Date.parse(row.cuando)).to.be.above(0);
            pm.expect(row.motivo).to.be.a('string').that.is.not.empty;
          }
        });`,
    },
    {
      name: 'Register a partner of the cancelled campaign: 409',
      describe: 'Nothing can be added to what is gone.',
      method: 'POST',
      path: '/registrar-partner',
      body: { id_campaign: '{{campaign}}', nombre: 'Tarde', tipo: 'afiliado', informacion_perfil: '' },
      test: 'refused(409);',
    },
    {
      name: 'Delete a campaign that nobody has: 404',
      describe: 'Not found, whatever the id looks like.',
      method: 'DELETE',
      path: '/api/campaigns/{{$guid}}',
      test: 'refused(404);',
    },
  ],
};

const deprecated = `
    pm.test('says that it is deprecated', () => pm.expect(pm.response.headers.has('Deprecation')).to.equal(true));`;

export const deprecatedDeletes: FolderSource = {
  name: 'Deletes, by the old paths',
  describe:
    "The old collection's `GET /eliminar-…/:id` answers too, with a `Deprecation` header; HEAD does nothing.",
  requests: [
    {
      name: 'A campaign to delete by the old path',
      describe: 'APROBADA when this answers: `Prefer: wait=10`.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10' },
      before: 'newCampaign();',
      body: { ...campaignBody, participantes: [] },
      test: `
        answers(200);
        pm.test('without participants there is nothing to wait for', () =>
          pm.expect(pm.response.json().estado).to.equal('COMPLETED'));`,
    },
    {
      name: 'The id of that campaign',
      describe: 'Kept for what follows.',
      method: 'GET',
      path: '/obtener-campaigns/',
      test: `
        answers(200);
        save('campaign', mine('marca_id', 'marca')[0].id);`,
    },
    {
      name: 'HEAD on the old path does nothing',
      describe: 'A crawler or a proxy that asks by HEAD deletes nothing.',
      method: 'HEAD',
      path: '/eliminar-campaign/{{campaign}}',
      test: `${deprecated}
    pm.test('deletes nothing and promises nothing', () => {
      pm.expect(pm.response.code).not.to.equal(202);
      pm.expect(pm.response.headers.has('Location')).to.equal(false);
    });`,
    },
    reads('It is APROBADA still', '/obtener-campaigns/{{campaign}}', 'APROBADA'),
    {
      name: 'GET on the old path deletes',
      describe: 'As the old collection did.',
      method: 'GET',
      path: '/eliminar-campaign/{{campaign}}',
      test: `${accepted}${deprecated}`,
    },
    outcomeOver('Poll until that campaign is undone'),
    reads('It is CANCELADA', '/obtener-campaigns/{{campaign}}', 'CANCELADA'),
    {
      name: 'An unknown partner by the old path: 404',
      describe: 'Every answer of the old paths says that they are deprecated.',
      method: 'GET',
      path: '/eliminar-partner/{{$guid}}',
      test: `refused(404);${deprecated}`,
    },
    {
      name: 'An unknown evento by the old path: 404',
      describe: 'As above.',
      method: 'GET',
      path: '/eliminar-evento/{{$guid}}',
      test: `refused(404);${deprecated}`,
    },
  ],
};
