import type { FolderSource, RequestSource } from '../collection/model.ts';

const participante = '{"id": "p1", "tipo": "afiliado", "nombre": "Uno", "informacion_perfil": "x"}';

/** The text of a campaign that would be taken, but for the members that are replaced or added. */
const campaignText = (members: Readonly<Record<string, string | undefined>>): string => {
  const whole: Record<string, string | undefined> = {
    nombre: '"{{nombre}}"',
    presupuesto: '1000.50',
    divisa: '"COP"',
    marca_id: '"{{marca}}"',
    participantes: `[${participante}]`,
    ...members,
  };
  const lines = Object.entries(whole).flatMap(([name, text]) =>
    text === undefined ? [] : [`  "${name}": ${text}`],
  );
  return `{\n${lines.join(',\n')}\n}`;
};

const post = (
  name: string,
  describe: string,
  body: string,
  test: string,
  more: Pick<RequestSource, 'headers' | 'before'> = {},
): RequestSource => ({ name, describe, method: 'POST', path: '/campaña-commando', body, test, ...more });

/** One field is wrong; the answer is a 400 that names it. */
const wrong = (name: string, field: string, text: string | undefined, before?: string): RequestSource =>
  post(
    name,
    `Refused, with a JSON:API error that names \`${field}\`; nothing is registered.`,
    campaignText({ [field]: text }),
    `refused(400, '${field}');`,
    before === undefined ? {} : { before },
  );

export const badInput: FolderSource = {
  name: 'Bad input',
  describe:
    'Each is a 4xx with a JSON:API error that names what is wrong; at the end, nothing of it was registered.',
  requests: [
    { ...wrong('A field is missing', 'nombre', undefined), before: 'newCampaign();' },
    wrong('null where a number belongs', 'presupuesto', 'null'),
    wrong('A third decimal', 'presupuesto', '10.125'),
    wrong('Seventeen digits before the point', 'presupuesto', '12345678901234567'),
    wrong('A number that no double holds', 'presupuesto', '1e999'),
    wrong('Less than nothing', 'presupuesto', '-1'),
    wrong('A word where money belongs', 'presupuesto', '"mucho"'),
    wrong('A number where text belongs', 'marca_id', '7'),
    wrong('Text where a list belongs', 'participantes', '"nadie"'),
    post(
      'A kind of participant that does not exist',
      'Either `afiliado` or `influencer`.',
      campaignText({ participantes: `[${participante.replace('afiliado', 'amigo')}]` }),
      "refused(400, '/participantes/0/tipo');",
    ),
    wrong('NUL in a text', 'nombre', '"a\\u0000b"'),
    wrong('Half a surrogate pair in a text', 'nombre', '"a\\ud800b"'),
    wrong('The same participant twice', 'participantes', `[${participante}, ${participante}]`),
    wrong(
      '501 participants',
      'participantes',
      '{{many}}',
      `pm.variables.set('many', JSON.stringify(Array.from({ length: 501 }, (_, n) => (
        { id: 'p' + n, tipo: 'afiliado', nombre: 'Nombre ' + n, informacion_perfil: 'x' }))));`,
    ),
    wrong('An unknown field', 'color', '"rojo"'),
    wrong('A prototype for a field', '__proto__', '{"estado": "APROBADA"}'),
    post(
      'A field twice',
      'JSON lets a key stand twice, and parsers disagree on which counts: refused.',
      campaignText({}).replace('"divisa": "COP"', '"divisa": "COP",\n  "divisa": "USD"'),
      "refused(400, 'divisa');",
    ),
    post('Malformed JSON', 'Broken off.', campaignText({}).slice(0, -1), 'refused(400);'),
    post('No body', 'An empty text is no JSON.', '', 'refused(400);'),
    post('A list for a body', 'The body is an object.', '[]', 'refused(400);'),
    post(
      'Nested too deep',
      'A thousand lists in one another.',
      campaignText({ participantes: '{{deep}}' }),
      'refused(400);',
      { before: "pm.variables.set('deep', '['.repeat(1000) + ']'.repeat(1000));" },
    ),
    post('Too large', 'More than a MiB.', campaignText({ nombre: '"{{large}}"' }), 'refused(413);', {
      before: "pm.variables.set('large', 'ñ'.repeat(1100000));",
    }),
    post('Not JSON by its type', 'A wrong Content-Type is exactly 415.', campaignText({}), 'refused(415);', {
      headers: { 'Content-Type': 'text/plain' },
    }),
    post(
      'An enormous Idempotency-Key',
      'At most 255 visible ASCII characters.',
      campaignText({}),
      "refused(400, 'idempotency-key');",
      { before: "pm.request.headers.upsert({ key: 'Idempotency-Key', value: 'k'.repeat(4000) });" },
    ),
    {
      name: 'A method that the path does not know: 405',
      describe: 'The answer says by `Allow` which ones it does.',
      method: 'PUT',
      path: '/campaña-commando',
      body: {},
      test: `
        refused(405);
        pm.test('says which ones it knows', () => pm.expect(pm.response.headers.get('Allow')).to.include('POST'));`,
    },
    {
      name: 'A currency that does not exist is a refused outcome',
      describe:
        'Whether a currency is in ISO 4217 is a rule of the campaign service: taken, and then COMPENSATED.',
      method: 'POST',
      path: '/campaña-commando',
      headers: { Prefer: 'wait=10' },
      body: campaignText({ divisa: '"XXZ"', marca_id: '"otra-{{marca}}"' }),
      test: `
        answers(200);
        pm.test('the saga is COMPENSATED', () => pm.expect(pm.response.json().estado).to.equal('COMPENSATED'));`,
    },
    {
      name: 'Nothing of it was registered',
      describe: 'No campaign of that brand.',
      method: 'GET',
      path: '/campaña-query',
      test: `
        answers(200);
        pm.test('no campaign', () => pm.expect(mine('marca_id', 'marca')).to.be.empty);`,
    },
    {
      name: 'Nothing of it was begun',
      describe: 'No saga of that brand.',
      method: 'GET',
      path: '/api/sagas?clave={{marca}}',
      test: `
        answers(200);
        pm.test('no saga', () => pm.expect(pm.response.json().sagas).to.be.empty);`,
    },
  ],
};
