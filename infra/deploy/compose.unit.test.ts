import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { manifest } from '../bus/manifest.ts';
import { neighbourNames, portOf, serviceNames, urlsSetting } from '../config/services.ts';
import { declared, readSettings } from '../config/settings.ts';
import { brokerVersion } from './pulsar/broker-jars.ts';

const test = suite('compose and Dockerfile');
const root = fileURLToPath(new URL('../..', import.meta.url));
const here = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly profiles: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | number>>;
  readonly expose?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly volumes?: readonly string[];
  readonly deploy?: { readonly replicas: number };
}

const text = here('compose.yaml');
const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: object };
const { services } = compose;
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
const dockerfile = here('Dockerfile');

test('every service of the code stands in compose, and the reverse', () => {
  const programs = ours.flatMap(([name, { command }]) => (command[0]?.startsWith('apps/') ? [name] : []));
  assert.equal(programs.sort(), [...serviceNames].sort());
  assert.equal(
    Object.keys(services).sort(),
    [...serviceNames, 'postgres', 'provision', 'pulsar', 'redis'].sort(),
  );
  const apps = readdirSync(join(root, 'apps')).filter((app) =>
    existsSync(join(root, 'apps', app, 'src/main.ts')),
  );
  assert.equal(apps.filter((app) => app !== 'embedded').sort(), [...serviceNames].sort());
  for (const [name, { command }] of ours) {
    assert.is(command.length, 1);
    assert.ok(existsSync(join(root, command[0] ?? '')), `${name} runs ${command[0]}, which is no file`);
  }
});

test('every owner and every consumer of the manifest is a service of compose', () => {
  for (const { owner } of manifest.topics.values()) assert.ok(services[owner], owner);
  for (const { service } of manifest.subscriptions.values()) assert.ok(services[service], service);
});

test('every variable of our services is a setting, and what compose gives it is in range', () => {
  for (const [name, { environment }] of ours) {
    const values: Record<string, string> = {};
    for (const [variable, value] of Object.entries(environment)) {
      assert.ok(variable in declared, `${name} sets ${variable}, which is no setting`);
      values[variable] = String(value)
        .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
        .replace(/\$\{SERVICE_TOKEN_SECRET:\?[^}]*\}/, 's'.repeat(32))
        .replace(/\$\{API_KEYS:\?[^}]*\}/, 'tienda:clave')
        .replace(/\$\{POSTGRES_PASSWORD:\?[^}]*\}/, 'secret');
    }
    const settings = readSettings(values);
    assert.is(settings.AUTH, 'required', name);
    assert.is(settings.BUS_URL, 'pulsar://pulsar:6650', name);
    assert.is(settings.PULSAR_PARTITIONS, 4, name);
  }
});

test('the ports of the services, of their addresses, of the health check and of the image agree', () => {
  const { PORT_BASE } = readSettings({});
  const exposed = /^EXPOSE (.+)$/m.exec(dockerfile)?.[1]?.split(' ').map(Number);
  assert.equal(
    exposed,
    serviceNames.map((name) => portOf({ PORT_BASE }, name, 0)),
  );
  for (const name of serviceNames) {
    const port = portOf({ PORT_BASE }, name, 0);
    const { environment, expose = [], ports = [] } = services[name] as Service;
    assert.is(Number(environment.PORT), port, name);
    const reached = [...expose, ...ports.map((mapping) => mapping.split(':').at(-1))].map(Number);
    assert.equal(reached, [port], name);
  }
  for (const name of neighbourNames) {
    const urls = services.bff?.environment[urlsSetting(name)];
    assert.is(urls, `http://${name}:${portOf({ PORT_BASE }, name, 0)}`);
  }
  assert.match(here('healthcheck.mjs'), /127\.0\.0\.1:\$\{PORT\}\/ready/);
  const { PULSAR_PORT, PULSAR_WEB_PORT, POSTGRES_PORT } = readSettings({});
  assert.equal(services.pulsar?.ports, [
    `127.0.0.1:\${PULSAR_PORT:-${PULSAR_PORT}}:6650`,
    `127.0.0.1:\${PULSAR_WEB_PORT:-${PULSAR_WEB_PORT}}:8080`,
  ]);
  assert.equal(services.postgres?.ports, [`127.0.0.1:\${POSTGRES_PORT:-${POSTGRES_PORT}}:5432`]);
});

test('health checks order the start: servers, provisioning, the services, and the bff last', () => {
  assert.equal(services.provision?.depends_on, { pulsar: { condition: 'service_healthy' } });
  for (const name of neighbourNames) {
    assert.equal(services[name]?.depends_on, {
      postgres: { condition: 'service_healthy' },
      provision: { condition: 'service_completed_successfully' },
    });
    assert.is(services[name]?.deploy?.replicas, 2);
  }
  assert.equal(Object.keys(services.bff?.depends_on ?? {}).sort(), [...neighbourNames].sort());
  for (const name of ['pulsar', 'postgres', 'redis']) assert.ok(services[name]?.healthcheck?.test, name);
  assert.match(dockerfile, /^HEALTHCHECK .*CMD \["node", "infra\/deploy\/healthcheck\.mjs"\]$/m);
});

test('each profile has its own, and the servers keep their data in volumes', () => {
  const of = (profile: string): string[] =>
    Object.keys(services).filter((name) => services[name]?.profiles.includes(profile));
  assert.equal(of('pulsar'), ['pulsar']);
  assert.equal(of('db').sort(), ['postgres', 'redis']);
  assert.equal(of('services').sort(), [...serviceNames, 'provision'].sort());
  const volumes = Object.keys(compose.volumes);
  for (const name of ['pulsar', 'postgres'])
    assert.ok(
      services[name]?.volumes?.some((mount) => volumes.includes(mount.split(':')[0] ?? '')),
      name,
    );
});

test('versions are pinned, and the broker is the one of Maven', () => {
  assert.is(services.pulsar?.image, `apachepulsar/pulsar:${brokerVersion}`);
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1] ?? '');
  assert.is(new Set(bases).size, 1);
  for (const image of [...bases, ...Object.values(services).map(({ image }) => image)])
    assert.match(image, /:\d+\.\d+/, `${image} is not pinned`);
});

test('the image has the native client, runs as no root, and node itself gets the signals', () => {
  assert.match(dockerfile, /^RUN node --eval "require\('pulsar-client'\)"$/m);
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  assert.match(last, /^USER node$/m);
  assert.match(
    last,
    /^ENTRYPOINT \["node", "--import", "\.\/apps\/embedded\/quick-ticks\.mjs", "--import", "tsx"\]$/m,
  );
  const workspaces = [
    'schemas',
    'infra',
    'sagas',
    ...readdirSync(join(root, 'apps')).map((app) => `apps/${app}`),
  ];
  for (const folder of workspaces.filter((name) => existsSync(join(root, name, 'package.json'))))
    assert.ok(dockerfile.includes(`COPY ${folder}/package.json ${folder}/`), folder);
});

test('compose is found from the root, and README tells every variable that it takes', () => {
  assert.match(readFileSync(join(root, '.env'), 'utf8'), /^COMPOSE_FILE=infra\/deploy\/compose\.yaml$/m);
  const readme = here('README.md');
  for (const [, variable] of text.matchAll(/\$\{(\w+)/g))
    assert.ok(readme.includes(`\`${variable}\``), `${variable} is not in infra/deploy/README.md`);
});

test.run();
