// time limit: 180 s
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { findProgram } from './find-program.ts';

const test = suite('docker-compose config');
const root = fileURLToPath(new URL('../..', import.meta.url));
const path = process.env.PATH ?? '';
const program = findProgram('docker-compose', path);

const secrets = {
  POSTGRES_PASSWORD: 'secret',
  SERVICE_TOKEN_SECRET: '0123456789abcdef0123456789abcdef',
  API_KEYS: 'tienda:clave',
};

interface Rendered {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const render = (profiles: readonly string[], env: Readonly<Record<string, string>>): Promise<Rendered> =>
  new Promise((resolve) => {
    const args = [...profiles.flatMap((profile) => ['--profile', profile]), 'config'];
    execFile(program ?? '', args, { cwd: root, env: { PATH: path, ...env } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
    );
  });

if (program === undefined) {
  console.log('skipped: there is no docker-compose: apt-get install docker-compose');
  test.skip('no docker-compose');
} else {
  for (const profiles of [['pulsar'], ['db'], ['services'], ['pulsar', 'db', 'services']])
    test(`profile ${profiles.join(', ')} renders from the root of the repository`, async () => {
      const { code, out, err } = await render(profiles, secrets);
      assert.is(code, 0, err);
      const { services } = parse(out) as {
        services: Record<string, { environment?: Record<string, unknown>; build?: { context: string } }>;
      };
      for (const profile of profiles) {
        const [name = ''] = { pulsar: ['pulsar'], db: ['postgres'], services: ['bff'] }[profile] ?? [];
        assert.ok(services[name], `${name} of ${profile}`);
      }
      const campaign = services.campaign;
      assert.is(campaign?.environment?.DATABASE_URL, 'postgres://postgres:secret@postgres:5432');
      assert.is(`${campaign?.build?.context.replace(/\/$/, '')}/`, root);
      assert.not.match(out, /\$\{/);
    });

  for (const missing of Object.keys(secrets) as (keyof typeof secrets)[])
    test(`without ${missing} nothing is started, and what to set is told`, async () => {
      const { [missing]: _, ...rest } = secrets;
      const { code, err } = await render(['services'], rest);
      assert.is.not(code, 0);
      assert.ok(err.includes(`set ${missing}`), err);
    });
}

test.run();
