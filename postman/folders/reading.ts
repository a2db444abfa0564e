import { smallCampaignBody } from '../collection/campaign-body.ts';
import type { FolderSource, RequestSource } from '../collection/model.ts';

const listed = (name: string, path: string, field: string, variable: string): RequestSource => ({
  name,
  describe: 'A plain array, whole unless `limit` is given.',
  method: 'GET',
  path,
  test: `
    answers(200);
    const found = mine('${field}', '${variable}');
    pm.test('has what this run made', () => pm.expect(found.length).to.equal(1));`,
});

const unknown = (what: string, path: string): RequestSource => ({
  name: `${what} that nobody has: 404`,
  describe: 'Ids are opaque strings: whatever is not there is a 404, never a 400.',
  method: 'GET',
  path,
  test: 'refused(404);',
});

export const reading: FolderSource = {
  name: 'Reading',
  describe:
    'Lists and single resources, by every path the documents name: aliases, trailing slashes, either form of ñ.',
  requests: [
    {
      name: 'Make something to read',
      describe: 'A campaign of one participant; `Prefer: wait=10` answers when its saga is over.',
      method: 'POST',
      path: '/registrar-campaign',
      headers: { Prefer: 'wait=10' },
      before: 'newCampaign();',
      body: smallCampaignBody,
      test: `
        answers(200);
        pm.test('the saga is COMPLETED', () => pm.expect(pm.response.json().estado).to.equal('COMPLETED'));`,
    },
    {
      ...listed('List campaigns', '/campaña-query', 'marca_id', 'marca'),
      test: `
        answers(200);
        const found = mine('marca_id', 'marca');
        pm.test('a campaign has these fields', () => {
          pm.expect(found[0]).to.include.all.keys('id', 'nombre', 'presupuesto', 'divisa', 'marca_id', 'estado', 'participantes');
        });
        save('campaign', found[0].id);`,
    },
    listed('List campaigns, ñ decomposed', '/campan\u0303a-query', 'marca_id', 'marca'),
    listed('List campaigns, ñ encoded, trailing slash', '/campa%C3%B1a-query/', 'marca_id', 'marca'),
    listed('List campaigns by the alias', '/obtener-campaigns', 'marca_id', 'marca'),
    {
      name: 'A campaign by its id, by the alias',
      describe: 'The same resource as `/campaña-query/:id`.',
      method: 'GET',
      path: '/obtener-campaigns/{{campaign}}',
      test: `
        answers(200);
        pm.test('is that one', () => pm.expect(pm.response.json().id).to.equal(saved('campaign')));`,
    },
    {
      ...listed('List partners', '/obtener-partners', 'id_campaign', 'campaign'),
      test: `
        answers(200);
        const found = mine('id_campaign', 'campaign');
        pm.test('a partner has these fields', () => {
          pm.expect(found[0]).to.include.all.keys('id', 'id_campaign', 'nombre', 'tipo', 'informacion_perfil', 'estado');
        });
        save('partner', found[0].id);`,
    },
    {
      name: 'A partner by its id',
      describe: 'With a trailing slash, which never matters.',
      method: 'GET',
      path: '/obtener-partners/{{partner}}/',
      test: `
        answers(200);
        pm.test('text returns as it was sent', () => pm.expect(pm.response.json().nombre).to.equal('Ñandú Gómez'));`,
    },
    {
      ...listed('List eventos', '/obtener-eventos', 'id_campana', 'campaign'),
      test: `
        answers(200);
        const found = mine('id_campana', 'campaign');
        pm.test('an evento has these fields', () => {
          pm.expect(found[0]).to.include.all.keys('id', 'id_partner', 'id_campana', 'fecha', 'estado');
          pm.expect(found[0].id_partner).to.equal(saved('partner'));
        });
        save('evento', found[0].id);`,
    },
    {
      name: 'An evento by its id',
      describe: 'Its `fecha` is an instant in RFC 3339.',
      method: 'GET',
      path: '/obtener-eventos/{{evento}}',
      test: `
        answers(200);
        pm.test('its date is an instant', () =>
          pm.expect(Math.abs(Date.now() - Date.parse(pm.response.json().fecha))).to.be.below(600000));`,
    },
    {
      name: 'A list with a limit',
      describe: '`limit` asks for no more than that many.',
      method: 'GET',
      path: '/obtener-campaigns?limit=1',
      test: `
        answers(200);
        pm.test('one of them', () => pm.expect(pm.response.json().length).to.equal(1));`,
    },
    unknown('A campaign', '/campaña-query/{{$guid}}'),
    unknown('A campaign by no id at all', '/campaña-query/not-an-id'),
    unknown('A partner', '/obtener-partners/{{$guid}}'),
    unknown('An evento', '/obtener-eventos/{{$guid}}'),
    unknown('A path', '/there-is-no-such-path'),
    {
      name: 'Health',
      describe: 'Whether the service and what it stands on are well.',
      method: 'GET',
      path: '/health',
      test: 'answers(200);',
    },
    {
      name: 'The API, described',
      describe: 'OpenAPI, with an example for each route; `/docs` is its page.',
      method: 'GET',
      path: '/docs/json',
      test: `
        answers(200);
        pm.test('describes the campaign command with an example', () => {
          const { openapi, paths } = pm.response.json();
          pm.expect(openapi).to.match(/^3\\./);
          pm.expect(JSON.stringify(paths['/campaña-commando'].post.requestBody)).to.include('example');
        });`,
    },
  ],
};
