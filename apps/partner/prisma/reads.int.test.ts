import { array } from '@cordada/infra/database/array.ts';
import { statement } from '@cordada/infra/database/database.ts';
import { migrate } from '@cordada/infra/database/migrate.ts';
import { prismaAdapter } from '@cordada/infra/database/prisma-adapter.ts';
import { type TestDatabase, testDatabases } from '@cordada/infra/database/testing/databases.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PrismaClient } from '../src/generated/prisma/client.ts';
import { migrations } from '../src/service.ts';

const INSERT = statement(
  'test.insert',
  `INSERT INTO partner (id, id_campaign, nombre, tipo, informacion_perfil, estado, creado, actualizado)
   SELECT id, 'c1', nombre, 'afiliado', '', 'REGISTRADO', $3, $3 FROM unnest($1::uuid[], $2::text[]) AS p (id, nombre)`,
);
const COUNT = statement('test.count', 'SELECT count(*)::int4 AS n FROM partner');

const reads = ({ name, database, close }: TestDatabase): void => {
  const test = suite(`Prisma beside transactions on ${name}`);
  const runtime = systemRuntime();
  const prisma = new PrismaClient({ adapter: prismaAdapter(database) });
  const register = (nombre: string): Promise<unknown> =>
    database.transaction(async (tx) => {
      await tx.query(COUNT, []);
      void tx.write(INSERT, [
        array('uuid', [runtime.uuid()]),
        array('text', [nombre]),
        new Date(runtime.now()),
      ]);
    });

  test.before(async () => {
    await migrate(database, migrations, runtime);
  });
  test.before.each(() => database.transaction((tx) => tx.script('TRUNCATE partner')));
  test.after(async () => {
    await prisma.$disconnect();
    await close();
  });

  test('reads what set-based SQL wrote, in the schema of its service', async () => {
    const before = runtime.now();
    await register('Ana 🎒 "ñ"');
    const [partner] = await prisma.partner.findMany({ where: { idCampaign: 'c1' } });
    assert.is(partner?.nombre, 'Ana 🎒 "ñ"');
    assert.is(partner?.sagaId, null);
    assert.ok(partner && partner.creado.getTime() >= before && partner.creado.getTime() <= runtime.now());
    assert.is(await prisma.partner.count(), 1);
  });

  test('a hundred reads and a hundred transactions at once all end', async () => {
    const sizes = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const [, partners] = await Promise.all([
          register(`partner ${i}`),
          prisma.partner.findMany({ take: 5 }),
        ]);
        return partners.length;
      }),
    );
    assert.ok(sizes.every((size) => size <= 5));
    assert.is(await prisma.partner.count(), 100);
  });

  test('a read that begins in the midst of a transaction sees nothing of it that is not committed', async () => {
    let during: Promise<number> | undefined;
    const failed = database
      .transaction(async (tx) => {
        await tx.query(INSERT, [
          array('uuid', [runtime.uuid()]),
          array('text', ['x']),
          new Date(runtime.now()),
        ]);
        during = prisma.partner.count().then((count) => count); // a Prisma promise begins when it is asked for
        await tx.query(COUNT, []);
        throw new Error('no');
      })
      .catch((error: Error) => error.message);
    assert.is(await failed, 'no');
    assert.is(await during, 0);
  });

  test("Prisma's own transactions and ours take turns", async () => {
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        await Promise.all([
          register(`ours ${i}`),
          prisma.$transaction([prisma.partner.count(), prisma.participante.count()]),
          prisma.$transaction(async (tx) =>
            tx.participante.create({
              data: { id: `p${i}`, suspendido: false, actualizado: new Date(runtime.now()) },
            }),
          ),
        ]);
      }),
    );
    assert.is(await prisma.participante.count(), 10);
    assert.is(await prisma.partner.count(), 10);
  });

  test('a read that the database refuses, and a write of Prisma that fails, leave the database usable', async () => {
    const data = { id: 'twice', suspendido: true, actualizado: new Date(runtime.now()) };
    await prisma.participante.create({ data });
    for (let i = 0; i < 12; i += 1) {
      const outcome = await Promise.allSettled([
        prisma.participante.create({ data }),
        prisma.$queryRawUnsafe('SELECT 1/0'),
        prisma.partner.findMany({ where: { nombre: 'a\0b' } }),
        prisma.$transaction(async (tx) => tx.participante.create({ data })),
        register(`beside ${i}`),
      ]);
      assert.equal(
        outcome.map((each) => each.status),
        ['rejected', 'rejected', 'rejected', 'rejected', 'fulfilled'],
      );
    }
    assert.is(await prisma.partner.count(), 12);
  });

  test.run();
};

for (const each of await testDatabases('prisma')) reads(each);
