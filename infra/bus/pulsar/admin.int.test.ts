// time limit: 180 s
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startOwnPulsar, startSecuredPulsar } from '../../testing/pulsar.ts';
import { type PulsarAdminError, pulsarAdmin } from './admin.ts';

const test = suite("Pulsar's admin REST");
const own = await startOwnPulsar();

const failure = async (work: Promise<unknown>): Promise<PulsarAdminError> => {
  try {
    await work;
  } catch (error) {
    return error as PulsarAdminError;
  }
  return assert.unreachable('it did not fail') as never;
};

const avro = (field: string, rest = {}): string =>
  JSON.stringify({ type: 'record', name: 'Cosa', fields: [{ name: field, type: 'string', ...rest }] });

if (own === undefined) test.skip('no broker');
else {
  const admin = pulsarAdmin({ url: own.adminUrl, fetch });
  const namespace = 'admin-test/cosas';
  const topic = `persistent://${namespace}/Cosa.v1`;

  test.before(async () => {
    await admin.createTenant('admin-test');
    await admin.createNamespace(namespace);
    await admin.createTopic(topic, 3);
  });

  test('what is there already is left as it is', async () => {
    await Promise.all([1, 2, 3].map(() => admin.createTenant('admin-test')));
    await Promise.all([1, 2, 3].map(() => admin.createNamespace(namespace)));
    await Promise.all([1, 2, 3].map(() => admin.createTopic(topic, 5)));
    await admin.createSubscription(topic, 'twice');
    await Promise.all([1, 2, 3].map(() => admin.createSubscription(topic, 'twice')));
    assert.ok((await admin.tenants()).includes('admin-test'));
    assert.equal(await admin.namespaces('admin-test'), [namespace]);
    assert.equal(await admin.topics(namespace), [topic]);
    assert.is(await admin.partitions(topic), 3);
    const partitions = (await admin.stats(topic))?.partitions;
    assert.equal([...(partitions?.keys() ?? [])].sort(), [0, 1, 2]);
    for (const durable of partitions?.values() ?? []) assert.ok(durable.has('twice'));
  });

  test('a partition that the broker leaves out, since it is being loaded, is asked for by itself', async () => {
    const withoutTheFirst: typeof fetch = async (url, init) => {
      const answer = await fetch(url, init);
      if (!String(url).includes('/partitioned-stats?')) return answer;
      const { partitions, ...rest } = (await answer.json()) as { partitions: Record<string, unknown> };
      delete partitions[`${topic}-partition-0`];
      return Response.json({ ...rest, partitions });
    };
    const beside = pulsarAdmin({ url: own.adminUrl, fetch: withoutTheFirst });
    assert.equal(await beside.stats(topic), await admin.stats(topic));
  });

  test('what does not exist is undefined, or none', async () => {
    const missing = 'persistent://admin-test/cosas/Nada.v1';
    assert.is(await admin.partitions(missing), undefined);
    assert.is(await admin.stats(missing), undefined);
    assert.is(await admin.policies('admin-test/nada'), undefined);
    assert.equal(await admin.schemas(missing), []);
    assert.is(await admin.schemaVersion(missing, avro('a')), undefined);
    assert.equal(await admin.namespaces('nobody'), []);
  });

  test('a policy that is set is read back', async () => {
    await admin.setPolicy(namespace, 'POST', 'messageTTL', 7);
    assert.is((await admin.policies(namespace))?.message_ttl_in_seconds, 7);
    await admin.setPolicy(namespace, 'DELETE', 'messageTTL');
    assert.is((await admin.policies(namespace))?.message_ttl_in_seconds ?? null, null);
  });

  test('a subscription made before the messages counts them, and tells when the oldest was published', async () => {
    await admin.createSubscription(topic, 'counts');
    assert.equal((await admin.stats(topic, true))?.subscriptions.get('counts'), {
      backlog: 0,
      oldestUnacknowledgedAt: undefined,
      unacknowledged: 0,
      consumers: 0,
    });
    const before = Date.now();
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      const answer = await fetch(`${own.adminUrl}/topics/${topic.replace('://', '/')}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          producerName: 'test',
          keySchema: '',
          valueSchema: '',
          messages: [{ key, payload: 'x' }],
        }),
      });
      assert.is(answer.status, 200, await answer.text());
    }
    const after = Date.now();
    const stats = (await admin.stats(topic, true))?.subscriptions.get('counts');
    assert.is(stats?.backlog, 5);
    const oldest = stats?.oldestUnacknowledgedAt ?? 0;
    assert.ok(before - 1 <= oldest && oldest <= after, `${before} <= ${oldest} <= ${after}`);
  });

  test('schemas have versions, and one that breaks a reader is refused in one line with its reason', async () => {
    const schemaTopic = `persistent://${namespace}/ConEsquema.v1`;
    await admin.createTopic(schemaTopic, 1);
    await admin.setPolicy(namespace, 'PUT', 'schemaCompatibilityStrategy', 'FULL_TRANSITIVE');
    assert.is(await admin.registerSchema(schemaTopic, avro('a')), 0);
    assert.is(await admin.registerSchema(schemaTopic, avro('a')), 0);
    assert.is(await admin.schemaVersion(schemaTopic, avro('a')), 0);
    const [registered] = await admin.schemas(schemaTopic);
    assert.is(registered?.definition, avro('a'));
    assert.is(await admin.incompatibility(schemaTopic, avro('a')), undefined);

    const reason = await admin.incompatibility(schemaTopic, avro('b'));
    assert.match(reason ?? '', /Unable to read schema/);
    const refused = await failure(admin.registerSchema(schemaTopic, avro('b')));
    assert.is(refused.status, 409);
    for (const line of [reason ?? '', refused.message]) {
      assert.match(line, /Unable to read schema.*"name" : "b"/);
      assert.not.match(line, /[\n<]|&quot;|\bat org\.|Stacktrace/);
      assert.ok(line.length < 700);
    }
    assert.is((await admin.schemas(schemaTopic)).length, 1);
  });

  test('a broker that is healthy says so; one that hangs, and one that is away, are told in one line', async () => {
    await admin.health();
    const hasty = pulsarAdmin({ url: own.adminUrl, fetch, timeoutMs: 300 });
    await own.pause();
    const late = await failure(hasty.health());
    await own.resume();
    assert.match(late.message, /GET \/brokers\/health: no answer within 300 ms from http:/);
    const away = await failure(pulsarAdmin({ url: 'http://127.0.0.1:1', fetch }).health());
    assert.match(away.message, /at http:\/\/127\.0\.0\.1:1$/);
    assert.is(away.status, undefined);
  });

  test('the token opens what is closed without it', async () => {
    const secured = await startSecuredPulsar();
    if (secured === undefined) return assert.unreachable('no broker');
    try {
      const url = secured.adminUrl;
      const refused = await failure(pulsarAdmin({ url, fetch }).tenants());
      assert.is(refused.status, 401);
      assert.match(refused.message, /^Pulsar's admin REST, GET \/tenants: 401 .+$/);
      await pulsarAdmin({ url, fetch, token: secured.security.token }).tenants();
    } finally {
      await secured.stop();
    }
  });

  test.after(() => own.stop());
}

test.run();
