// time limit: 180 s
import { setTimeout as pause } from 'node:timers/promises';
import { build as buildCampaign, migrations as campaignMigrations } from '@cordada/campaign/service.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { memoryBus } from '@cordada/infra/bus/memory.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { type Statement, statement } from '@cordada/infra/database/database.ts';
import type { ServiceDatabase } from '@cordada/infra/database/pool-database.ts';
import { createServiceTokens } from '@cordada/infra/http/service-token.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { Service } from '@cordada/infra/service/service.ts';
import { migrated, openServicePostgres } from '@cordada/infra/service/service-database.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import { freshDatabase, startOwnPostgres } from '@cordada/infra/testing/postgres.ts';
import { build as buildPartner, migrations as partnerMigrations } from '@cordada/partner/service.ts';
import { contracts } from '@cordada/schemas';
import { build as buildTracking, migrations as trackingMigrations } from '@cordada/tracking/service.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const owners = {
  partner: { build: buildPartner, migrations: partnerMigrations },
  tracking: { build: buildTracking, migrations: trackingMigrations },
  campaign: { build: buildCampaign, migrations: campaignMigrations },
} as const;
type Owner = keyof typeof owners;
const names = ['partner', 'tracking', 'campaign'] as const;

const PEOPLE = ['p-1', 'p-2', 'p-3'];
const PATIENCE_MS = 90_000;
const ENDED = statement('test.ended', 'SELECT count(*)::int4 AS n FROM saga WHERE status = 3');
const PARTNERS = statement(
  'test.partners',
  `SELECT count(*)::int4 AS n, count(DISTINCT (saga_id, id_participante))::int4 AS other FROM partner
   WHERE estado = 'REGISTRADO'`,
);
const EVENTOS = statement(
  'test.eventos',
  `SELECT count(*)::int4 AS n, count(DISTINCT id_partner)::int4 AS other FROM evento WHERE estado = 'REGISTRADO'`,
);
const LEFT = statement('test.left', 'SELECT count(*)::int4 AS n FROM outbox');
const HELD = statement('test.held', 'SELECT count(*)::int4 AS n FROM held_message');

const test = suite('two replicas of each service on one Postgres');
const server = await startOwnPostgres({ fsync: true });

if (server === undefined) test.skip('no server');
else {
  const runtime = systemRuntime();
  const prefix = freshDatabase('two');
  const settings = readSettings({});
  const tokens = createServiceTokens('a secret of tests, long enough to sign', runtime);
  const bus = memoryBus({ runtime, manifest });
  const alive = setInterval(() => {}, 1_000); // the runtime's timers keep no process alive

  interface Replica {
    readonly services: readonly Service[];
    readonly databases: Readonly<Record<Owner, ServiceDatabase>>;
    readonly connection: ReturnType<typeof bus.connect>;
  }
  const start = async (): Promise<Replica> => {
    const connection = bus.connect();
    const databases = {} as Record<Owner, ServiceDatabase>;
    const services: Service[] = [];
    for (const name of names) {
      const open = () =>
        openServicePostgres(settings, { url: server.url, prefix, service: name, exclusive: false });
      const { database } = await migrated(open, owners[name].migrations, runtime);
      databases[name] = database;
      const service = await owners[name].build({
        runtime,
        bus: connection,
        database,
        log: createLogger({ name, level: 'silent', readable: false, now: () => runtime.now() }),
        registry: createRegistry(name),
        security: { auth: 'demo', apiKeys: [], tokens },
        settings,
      });
      services.push(service);
      await service.start();
    }
    return { services, databases, connection };
  };
  const leave = async ({ services, databases, connection }: Replica): Promise<void> => {
    await Promise.all(services.map((service) => service.drain()));
    await Promise.all(services.map((service) => service.stop()));
    await connection.close();
    await Promise.all(Object.values(databases).map((database) => database.close()));
  };

  const sagas: string[] = [];
  const begin = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const saga = runtime.uuid();
      const message = busMessage(
        {
          contract: contracts.IniciarCampaign,
          body: {
            nombre: `campaña ${saga}`,
            presupuesto: '10.50',
            divisa: 'COP',
            marca_id: 'm-1',
            participantes: PEOPLE.map((id) => ({ id, tipo: 'afiliado', nombre: id, informacion_perfil: '' })),
          },
          correlationId: saga,
          subject: saga,
          idempotencyKey: saga,
        },
        'bff',
        runtime,
      );
      sagas.push(saga);
      let settled = await bus.publish([message]);
      while (settled[0]?.status !== 'durable') settled = await bus.publish([message]);
    }
  };

  let first: Replica;
  let second: Replica;
  const count = async (from: Replica, service: Owner, sql: Statement) =>
    (await from.databases[service].query<{ n: number; other: number }>(sql, []))[0] ?? { n: -1, other: -1 };
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await holds().catch(() => false))) {
      if (Date.now() > deadline) throw new Error(`it did not come to be that ${what}`);
      await pause(100);
    }
  };
  /** All that was begun is done, and each effect once. */
  const allDone = async (from: Replica): Promise<void> => {
    await until(
      'every saga is completed',
      async () => (await count(from, 'campaign', ENDED)).n === sagas.length,
    );
    const each = sagas.length * PEOPLE.length;
    assert.equal({ ...(await count(from, 'partner', PARTNERS)) }, { n: each, other: each });
    assert.equal({ ...(await count(from, 'tracking', EVENTOS)) }, { n: each, other: each });
    for (const name of names) {
      await until('the outbox is empty', async () => (await count(from, name, LEFT)).n === 0);
      assert.is((await count(from, name, HELD)).n, 0, `${name} holds nothing`);
    }
  };

  test.before(async () => {
    [first, second] = await Promise.all([start(), start()]);
  });
  test.after(async () => {
    await leave(second);
    await bus.close();
    await server.stop();
    clearInterval(alive);
  });

  test('both do sagas together, each effect once', async () => {
    await Promise.all([begin(20), begin(20)]);
    await allDone(first);
  });

  test('a read that waits at one of them is told of what the other commits', async () => {
    await begin(1);
    const saga = sagas.at(-1);
    for (const { services } of [first, second]) {
      const campaign = services.find(({ name }) => name === 'campaign');
      const answer = await campaign?.app.inject({
        url: `/sagas/campaign/${saga}?espera=30000`,
        headers: { authorization: `Bearer ${tokens.sign('bff', 'campaign')}` },
      });
      assert.is(answer?.json().estado, 'COMPLETED', answer?.body);
    }
  });

  test('a restart of Postgres under load loses nothing and repeats nothing', async () => {
    const load = Promise.all([begin(15), begin(15)]);
    load.catch(() => undefined); // awaited below
    await pause(150);
    await server.kill();
    await pause(1_000);
    await server.restart();
    await load;
    await allDone(first);
  });

  test('one leaves under load, and the other goes on', async () => {
    const load = begin(20);
    await pause(100);
    await leave(first);
    await load;
    await allDone(second);
  });
}

test.run();
