import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSettings } from '../config/settings.ts';
import { StartRefused } from '../service/start-refused.ts';
import { systemRuntime } from '../system-runtime.ts';
import { manifest } from './manifest.ts';
import { openBus } from './open-bus.ts';
import { adminUrlOf } from './pulsar/open-pulsar.ts';

const test = suite('open the bus');
const here = fileURLToPath(import.meta.url);

const reasonWhyNot = async (env: Record<string, string>): Promise<string> => {
  const bus = await openBus({ settings: readSettings(env), manifest, runtime: systemRuntime() }).catch(
    (error: Error) => error.message,
  );
  if (typeof bus === 'string') return bus;
  await bus.close();
  return assert.unreachable('it opened') as never;
};

test('memory: is a bus within the process', async () => {
  const bus = await openBus({ settings: readSettings({}), manifest, runtime: systemRuntime() });
  await bus.health();
  await bus.close();
});

/** As on a host where npm could not install the optional dependency. */
const WITHOUT_CLIENT = `
import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(\`
  export const resolve = (name, context, next) => {
    if (name === 'pulsar-client') throw Object.assign(new Error('not here'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  };
\`));
const { openBus } = await import(${JSON.stringify(new URL('./open-bus.ts', import.meta.url).href)});
const { readSettings } = await import(${JSON.stringify(new URL('../config/settings.ts', import.meta.url).href)});
const { systemRuntime } = await import(${JSON.stringify(new URL('../system-runtime.ts', import.meta.url).href)});
const { manifest } = await import(${JSON.stringify(new URL('./manifest.ts', import.meta.url).href)});
const { isRefusal, explain } = await import(${JSON.stringify(new URL('../service/refusal.ts', import.meta.url).href)});
for (const BUS_URL of ['pulsar://127.0.0.1:6650', 'pulsar+ssl://127.0.0.1:6651']) {
  const told = await openBus({ settings: readSettings({ BUS_URL }), manifest, runtime: systemRuntime() }).then(
    () => 'opened',
    (error) => isRefusal(error) + ' ' + explain(error, undefined),
  );
  console.log(told);
}
`;

test('a host without the native client is told both ways out, in one line', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', WITHOUT_CLIENT],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)) },
  );
  assert.equal(stdout.trim().split('\n'), [
    'true pulsar: needs the npm package pulsar-client, which cannot be loaded (ERR_MODULE_NOT_FOUND): ' +
      "install it (npm install), or use Pulsar's WebSocket API (BUS_URL=pulsar+ws://127.0.0.1:8080).",
    'true pulsar+ssl: needs the npm package pulsar-client, which cannot be loaded (ERR_MODULE_NOT_FOUND): ' +
      "install it (npm install), or use Pulsar's WebSocket API (BUS_URL=pulsar+wss://127.0.0.1:8443).",
  ]);
});

test('a client certificate and its key go together', async () => {
  const reason = await reasonWhyNot({ BUS_URL: 'pulsar+ssl://127.0.0.1:1', PULSAR_CERT: here });
  assert.match(reason, 'PULSAR_CERT and PULSAR_KEY go together');
});

test('a file that cannot be read is named', async () => {
  const reason = await reasonWhyNot({
    BUS_URL: 'pulsar+wss://127.0.0.1:1',
    PULSAR_TRUST_CERTS: '/no/such.pem',
  });
  assert.is(reason, 'PULSAR_TRUST_CERTS=/no/such.pem cannot be read: ENOENT');
});

test('certificates on a connection that has none are a mistake', async () => {
  const reason = await reasonWhyNot({ BUS_URL: 'pulsar://127.0.0.1:1', PULSAR_TRUST_CERTS: here });
  assert.match(reason, 'PULSAR_TRUST_CERTS is for pulsar+ssl:// or pulsar+wss://');
});

for (const [BUS_URL, admin] of [
  ['pulsar://h:6650', 'http://h:8080'],
  ['pulsar+ssl://h:6651', 'https://h:8443'],
  ['pulsar+ws://h:8080', 'http://h:8080'],
  ['pulsar+wss://h:8443', 'https://h:8443'],
] as const)
  test(`the admin REST of ${BUS_URL} is at ${admin} unless told`, () => {
    assert.is(adminUrlOf(readSettings({ BUS_URL })), admin);
    assert.is(adminUrlOf(readSettings({ BUS_URL, PULSAR_ADMIN_URL: 'http://other:1' })), 'http://other:1');
  });

test('what keeps the bus from being opened is a refusal, which no wait mends', async () => {
  const { NativeClientMissing } = await import('./pulsar/native/client.ts');
  assert.ok(new NativeClientMissing('x') instanceof StartRefused);
});

test.run();
