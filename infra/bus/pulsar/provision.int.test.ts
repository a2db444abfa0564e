// time limit: 300 s
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startOwnPulsar } from '../../testing/pulsar.ts';
import { defineManifest, manifest as product } from '../manifest.ts';
import { eventually } from '../testing/observation.ts';
import { type PulsarAdmin, pulsarAdmin } from './admin.ts';
import { namespacePolicies } from './namespace-policies.ts';
import {
  checkProvisioned,
  type ProvisionOptions,
  ProvisionRefused,
  provision,
  provisionDifference,
  provisionedCheck,
} from './provision.ts';
import { publishedSchemas } from './published-schemas.ts';

const test = suite('provisioning');
const own = await startOwnPulsar();

const avro = (field: string, rest = {}): string =>
  JSON.stringify({ type: 'record', name: 'Hecho', fields: [{ name: field, type: 'string', ...rest }] });

const small = defineManifest(
  [
    { name: 'Hacer', owner: 'a', topic: 'a/Hacer.v1' },
    { name: 'Hecho', owner: 'a', topic: 'a/Hecho.v1' },
  ],
  [
    { name: 'a', service: 'a', topics: ['a/Hacer.v1'] },
    { name: 'b', service: 'b', topics: ['a/Hecho.v1'] },
    { name: 'c', service: 'c', topics: ['a/Hecho.v1'] },
  ],
);

const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    assert.instance(error, ProvisionRefused);
    return (error as Error).message;
  }
  return assert.unreachable('it was not refused') as never;
};

if (own === undefined) test.skip('no broker');
else {
  const admin = pulsarAdmin({ url: own.adminUrl, fetch });
  const request = async (method: string, path: string, body?: unknown): Promise<void> => {
    const answer = await fetch(`${own.adminUrl}/admin/v2/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  };
  const optionsFor = (options: Partial<ProvisionOptions> = {}): ProvisionOptions => ({
    admin,
    manifest: small,
    tenant: `t-${randomBytes(4).toString('hex')}`,
    partitions: 2,
    enforceSchemas: true,
    schemasOf: (topic) => (topic === 'a/Hecho.v1' ? [avro('id')] : []),
    sleep,
    ...options,
  });
  const lines = async (options: ProvisionOptions): Promise<string[]> =>
    (await provisionDifference(options)).changes.map(({ line }) => line);

  test('an empty broker gets all that the product declares, and the second run finds nothing to do', async () => {
    const options = optionsFor({
      manifest: product,
      partitions: 4,
      tenant: 'cordada',
      schemasOf: publishedSchemas,
    });
    const said: string[] = [];
    const changed = await provision(options, (line) => said.push(line));
    assert.is(said.length, changed);
    assert.ok(said.includes('+ tenant cordada'));
    assert.ok(said.includes('+ topic persistent://cordada/campaign/IniciarCampaign.v1 with 4 partitions'));
    assert.equal(await lines(options), []);
    assert.is(await provision(options), 0);
    assert.equal(await checkProvisioned(options), []);
    for (const { name } of product.topics.values()) {
      const topic = `persistent://cordada/${name}`;
      assert.is(await admin.partitions(topic), 4);
      assert.is((await admin.schemas(topic)).length, publishedSchemas(name).length);
    }
  });

  test('several provisioners at once make it together', async () => {
    const options = optionsFor();
    await Promise.all([1, 2, 3, 4].map(() => provision(options)));
    assert.equal(await lines(options), []);
  });

  test('a namespace makes no topic and no subscription by itself', async () => {
    const options = optionsFor();
    await provision(options);
    const path = `${own.adminUrl}/topics/persistent/${options.tenant}/a/Nada.v1`;
    const body = { producerName: 'x', messages: [{ payload: 'x' }] };
    await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal([...(await admin.topics(`${options.tenant}/a`))].sort(), [
      `persistent://${options.tenant}/a/Hacer.v1`,
      `persistent://${options.tenant}/a/Hecho.v1`,
    ]);
  });

  const drifts: readonly [policy: string, path: string, method: string, body?: unknown][] = [
    ['schemaCompatibilityStrategy', 'schemaCompatibilityStrategy', 'PUT', 'ALWAYS_COMPATIBLE'],
    ['isAllowAutoUpdateSchema', 'isAllowAutoUpdateSchema', 'POST', true],
    ['schemaValidationEnforced', 'schemaValidationEnforced', 'POST', false],
    ['autoTopicCreation', 'autoTopicCreation', 'DELETE'],
    ['autoSubscriptionCreation', 'autoSubscriptionCreation', 'POST', { allowAutoSubscriptionCreation: true }],
    [
      'inactiveTopicPolicies',
      'inactiveTopicPolicies',
      'POST',
      {
        inactiveTopicDeleteMode: 'delete_when_no_subscriptions',
        maxInactiveDurationSeconds: 60,
        deleteWhileInactive: true,
      },
    ],
    ['messageTTL', 'messageTTL', 'POST', 5],
    ['subscriptionExpirationTime', 'subscriptionExpirationTime', 'POST', 5],
    ['retention', 'retention', 'POST', { retentionTimeInMinutes: 1, retentionSizeInMB: 4096 }],
    [
      'backlogQuota',
      'backlogQuota?backlogQuotaType=destination_storage',
      'POST',
      { limitSize: 1, policy: 'consumer_backlog_eviction' },
    ],
    [
      'backlogQuota by age',
      'backlogQuota?backlogQuotaType=message_age',
      'POST',
      { limitTime: 5, policy: 'consumer_backlog_eviction' },
    ],
  ];

  test('every policy that somebody changed is seen and mended, and that alone', async () => {
    const options = optionsFor();
    const namespace = `${options.tenant}/a`;
    await provision(options);
    assert.equal(
      drifts.map(([policy]) => policy),
      namespacePolicies(true).map(({ name }) => name),
      'a policy that no drift is tested of',
    );
    for (const [policy, path, method, body] of drifts) {
      await request(method, `namespaces/${namespace}/${path}`, body);
      const drift = await lines(options);
      assert.is(drift.length, 1, `${policy}: ${drift.join('; ')}`);
      assert.match(drift[0] ?? '', new RegExp(`^~ policy ${policy} of ${namespace}: .+ → .+$`));
      assert.is(await provision(options), 1);
      assert.equal(await lines(options), []);
    }
  });

  test('enforced schemas are a choice, and changing it is a drift', async () => {
    const options = optionsFor({ enforceSchemas: false });
    await provision(options);
    assert.equal(await lines(options), []);
    assert.equal(await lines({ ...options, enforceSchemas: true }), [
      `~ policy schemaValidationEnforced of ${options.tenant}/a: false → true`,
    ]);
  });

  test('a topic, a partition and a subscription that somebody deleted are told, and made again', async () => {
    const options = optionsFor();
    await provision(options);
    const topic = `persistent/${options.tenant}/a`;
    await request('DELETE', `${topic}/Hecho.v1-partition-1/subscription/c`);
    assert.equal(await checkProvisioned(options), [
      `subscription c of persistent://${options.tenant}/a/Hecho.v1 is missing`,
    ]);
    await provision(options);
    await request('DELETE', `${topic}/Hecho.v1-partition-0?force=true`);
    assert.equal(await checkProvisioned(options), [
      `a partition of topic persistent://${options.tenant}/a/Hecho.v1 is missing`,
    ]);
    await provision(options);
    await request('DELETE', `${topic}/Hacer.v1/partitions?force=true`);
    assert.equal(await checkProvisioned(options), [
      `topic persistent://${options.tenant}/a/Hacer.v1 is missing`,
    ]);
    await provision(options);
    assert.equal(await checkProvisioned(options), []);
    assert.equal(await lines(options), []);
  });

  test('a changed number of partitions is refused with the reason, and nothing is changed', async () => {
    const options = optionsFor();
    await provision(options);
    await request('POST', `namespaces/${options.tenant}/a/messageTTL`, 5);
    const said: string[] = [];
    const reason = await refusalOf(provision({ ...options, partitions: 3 }, (line) => said.push(line)));
    assert.is(reason.split('\n').length, 2);
    assert.match(reason, /a\/Hacer\.v1 has 2 partitions, not 3: .*fixed at creation, since a key would/);
    assert.is((await lines(options)).length, 1, 'the drift beside it was mended');
    assert.is(said.length, 1);
  });

  test('a compatible schema is added as the next version; an incompatible one is refused with the reason of the registry', async () => {
    const options = optionsFor();
    await provision(options);
    const with_ = (...schemas: string[]): ProvisionOptions => ({
      ...options,
      schemasOf: (topic) => (topic === 'a/Hecho.v1' ? schemas : []),
    });
    const optional = JSON.stringify({
      type: 'record',
      name: 'Hecho',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'nota', type: 'string', default: '' },
      ],
    });
    assert.is(await provision(with_(avro('id'), optional)), 1);
    const topic = `persistent://${options.tenant}/a/Hecho.v1`;
    assert.is((await admin.schemas(topic)).length, 2);

    const reason = await refusalOf(provision(with_(avro('id'), optional, avro('otro'))));
    assert.match(reason, /^schema 3 of 3 of persistent:.*Hecho\.v1 is incompatible: .*Unable to read schema/);
    assert.not.match(reason, /[\n<]|Stacktrace/);
    assert.is((await admin.schemas(topic)).length, 2);
  });

  test('an incompatible schema of a new topic is refused by the reason of the registry too', async () => {
    const options = optionsFor({
      schemasOf: (topic) => (topic === 'a/Hecho.v1' ? [avro('id'), avro('otro')] : []),
    });
    const reason = await refusalOf(provision(options));
    assert.match(reason, /^schema 2 of 2 of persistent:.*: .*Unable to read schema/);
    assert.not.match(reason, /[\n<]|&quot;/);
  });

  test('a service is not ready until all is there, and says what is missing', async () => {
    const options = optionsFor();
    let now = 0;
    let asked = 0;
    const admin: PulsarAdmin = {
      ...options.admin,
      partitions(topic) {
        asked += 1;
        return options.admin.partitions(topic);
      },
    };
    const check = provisionedCheck({ ...options, admin, now: () => now });
    const said = (): Promise<string> =>
      check().then(
        () => 'ready',
        (error: Error) => error.message,
      );
    const whatIsMissing =
      /^not provisioned \(npm run provision\): topic persistent:.*a\/Hacer\.v1 is missing, and 1 more$/;
    for (const reason of await Promise.all([said(), said()])) assert.match(reason, whatIsMissing);
    assert.is(asked, options.manifest.topics.size, 'two at once are one question');
    await provision(options);
    assert.is(await said(), 'ready');
    await request('DELETE', `persistent/${options.tenant}/a/Hecho.v1/subscription/b`);
    assert.is(await said(), 'ready', 'remembered');
    now = 31_000;
    await eventually('it is told so', async () => /subscription b of .* is missing$/.test(await said()));
  });

  test('a service that waits for a busy broker asks for each topic until it is told of it, and no more', async () => {
    const options = optionsFor();
    await provision(options);
    const asked = new Map<string, number>();
    const admin: PulsarAdmin = {
      ...options.admin,
      partitions(topic) {
        const times = (asked.get(topic) ?? 0) + 1;
        asked.set(topic, times);
        if (topic.endsWith('a/Hecho.v1') && times < 3) throw new Error('busy');
        return options.admin.partitions(topic);
      },
    };
    const check = provisionedCheck({ ...options, admin, now: () => 0 });
    for (const said of ['busy', 'busy', 'ready'])
      assert.is(
        await check().then(
          () => 'ready',
          (error: Error) => error.message,
        ),
        said,
      );
    const times = [...asked].map(([topic, count]) => [topic.split('/').at(-1), count]);
    assert.equal(Object.fromEntries(times), { 'Hacer.v1': 1, 'Hecho.v1': 3 });
  });

  test('a service that has found all there stays ready while the broker does not answer', async () => {
    const options = optionsFor();
    let now = 0;
    await provision(options);
    const check = provisionedCheck({ ...options, now: () => now });
    await check();
    await own.kill();
    now = 31_000;
    await check();
    await new Promise((resolve) => setTimeout(resolve, 500)); // by then it has been told that nobody is there
    await check();
    await own.restart();
  });

  test('all that was made is still there after the death of the broker', async () => {
    const options = optionsFor();
    await provision(options);
    await own.kill();
    await own.restart();
    // a topic that is still being loaded may refuse to tell
    const loaded = async (): Promise<boolean> =>
      checkProvisioned(options).then(
        () => true,
        () => false,
      );
    await eventually('every topic is loaded', loaded);
    assert.equal(await checkProvisioned(options), []);
    assert.equal(await lines(options), []);
  });

  test.after(() => own.stop());
}

test.run();
