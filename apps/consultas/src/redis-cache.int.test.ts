// time limit: 180 s
import { createServer, type Server, type Socket } from 'node:net';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { startTestRedis } from '@cordada/infra/testing/redis.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { redisCache } from './redis-cache.ts';
import { cacheConformance } from './testing/conformance.ts';
import { Desk, eventually, type MakeCache, ttl, Warehouse } from './testing/desk.ts';

const log = createLogger({ name: 'consultas', level: 'silent', readable: false, now: () => 0 });
const at =
  (place: Parameters<typeof redisCache>[0]['place'], keptMs = ttl.itemMs): MakeCache =>
  (runtime) =>
    redisCache({ place, runtime, log, keptMs, floorMs: keptMs + 60_000 });

const server = await startTestRedis();
const shared = cacheConformance('Redis', async () => {
  await server?.ask('FLUSHALL');
  return at(server?.url ?? '');
});
const faults = suite('a Redis that is away, slow, full or answers garbage');

if (server === undefined) {
  shared.skip('no server');
  faults.skip('no server');
} else {
  const usable = (desk: Desk) => eventually('Redis can be used', () => desk.cache.usable());
  const unusable = (desk: Desk) => eventually('Redis is given up', () => !desk.cache.usable());
  /** A replica on the Redis of these tests, emptied. */
  const opened = async (warehouse = new Warehouse()): Promise<Desk> => {
    await server.ask('FLUSHALL');
    const desk = new Desk(at(server.url), warehouse);
    await usable(desk);
    return desk;
  };

  shared('two replicas share what they read, and what they hear', async () => {
    await server.ask('FLUSHALL');
    const one = new Desk(at(server.url));
    await usable(one);
    const two = new Desk(at(server.url), one.warehouse);
    await usable(two); // it has raised the epoch
    const { id } = one.warehouse.add();
    assert.is(await one.read(id), 'MISS 10');
    assert.is(await two.read(id), 'HIT 10');
    await one.hear(one.warehouse.change(id));
    assert.is(await two.read(id), 'MISS 11', 'heard by the other one');
    one.close();
    two.close();
  });

  shared('what one replica stores late does not undo what another has heard of', async () => {
    await server.ask('FLUSHALL');
    const slow = new Desk(at(server.url));
    await usable(slow);
    const hears = new Desk(at(server.url), slow.warehouse);
    await usable(hears);
    const { id } = slow.warehouse.add();
    slow.warehouse.holding = true;
    const late = slow.read(id); // version 1
    await eventually('it has read', () => slow.warehouse.held.length === 1);
    await hears.hear(slow.warehouse.change(id));
    slow.warehouse.holding = false;
    slow.warehouse.held[0]?.release();
    assert.is(await late, 'MISS 10', 'it has not heard of anything newer');
    assert.match(await server.ask('GET', `cordada:consultas:i:${id}`), '$-1', 'it is not even stored');
    assert.is(await hears.read(id), 'MISS 11', 'and has brought nothing old back');
    slow.close();
    hears.close();
  });

  shared('a start raises the epoch: what was kept while nobody heard the news is not shown', async () => {
    await server.ask('FLUSHALL');
    const before = new Desk(at(server.url));
    await usable(before);
    const { id } = before.warehouse.add();
    await before.read(id);
    await before.page();
    before.close();
    before.warehouse.change(id); // no replica lives
    const after = new Desk(at(server.url), before.warehouse);
    await usable(after);
    assert.is(await after.read(id), 'MISS 11');
    assert.is(await after.page(), 'MISS 11');
    after.close();
  });

  faults('one that is not there from the start costs nothing but reads', async () => {
    const desk = new Desk(at('redis://127.0.0.1:1'));
    const { id } = desk.warehouse.add();
    for (let i = 0; i < 3; i += 1) assert.is(await desk.read(id), 'MISS 10');
    assert.is(await desk.page(), 'MISS 10');
    await desk.hear(desk.warehouse.change(id));
    assert.is(await desk.read(id), 'MISS 11');
    assert.not(desk.cache.usable());
    desk.close();
  });

  faults(
    'one that dies amid reads is given up, and used again once it is back, with nothing old',
    async () => {
      const desk = await opened();
      const { id } = desk.warehouse.add();
      await desk.read(id);
      await server.kill();
      const answers = await Promise.all(Array.from({ length: 50 }, () => desk.read(id)));
      assert.ok(answers.every((answer) => answer?.endsWith(' 10')));
      await unusable(desk);
      await desk.hear(desk.warehouse.change(id));
      assert.is(await desk.read(id), 'MISS 11');
      await server.restart();
      await usable(desk);
      assert.is(await desk.read(id), 'MISS 11');
      assert.is(await desk.read(id), 'HIT 11');
      desk.close();
    },
  );

  faults('one that was out of reach for one replica alone shows that one nothing from before', async () => {
    const desk = await opened();
    const { id } = desk.warehouse.add();
    await desk.read(id);
    const [kept] = [await server.ask('KEYS', '*:i:*')];
    assert.match(kept, id);
    // Its link is cut while the news come: Redis keeps the old version all the while.
    await server.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await unusable(desk);
    await desk.hear(desk.warehouse.change(id));
    await usable(desk);
    assert.match(await server.ask('KEYS', '*:i:*'), id, 'it is still there');
    const fresh = new Desk(at(server.url), desk.warehouse);
    await usable(fresh);
    assert.is(await fresh.read(id), 'MISS 11', 'a replica that has heard of nothing does not find it either');
    assert.is(await desk.read(id), 'HIT 11');
    desk.close();
    fresh.close();
  });

  faults(
    'one that is frozen is waited for once, and by nobody after; thawed, it shows nothing old',
    async () => {
      const desk = await opened();
      const { id } = desk.warehouse.add();
      await desk.read(id);
      server.pause();
      const changed = desk.warehouse.change(id);
      await desk.hear(changed); // Redis does not get it
      assert.not(desk.cache.usable());
      const before = desk.warehouse.reads.length;
      for (let i = 0; i < 20; i += 1) assert.is(await desk.read(id), 'MISS 11');
      assert.is(desk.warehouse.reads.length, before + 20);
      server.resume();
      await usable(desk);
      assert.is(await desk.read(id), 'MISS 11');
      assert.is(await desk.read(id), 'HIT 11');
      desk.close();
    },
  );

  faults(
    'one that is full keeps nothing, answers nothing old, and is used again once there is room',
    async () => {
      const desk = await opened();
      const { id } = desk.warehouse.add();
      await desk.read(id);
      await server.ask('CONFIG', 'SET', 'maxmemory', '1');
      await desk.hear(desk.warehouse.change(id)); // it cannot be told
      for (let i = 0; i < 5; i += 1) assert.match((await desk.read(id)) ?? '', / 11$/);
      await server.ask('CONFIG', 'SET', 'maxmemory', '0');
      await eventually('it is kept again', async () => (await desk.read(id)) === 'HIT 11');
      desk.close();
    },
  );

  faults('one that forgets what it likes (an epoch, a floor, all) shows nothing old', async () => {
    const desk = await opened();
    const { id } = desk.warehouse.add();
    await desk.read(id);
    await server.ask('DEL', 'cordada:consultas:epoch');
    assert.is(await desk.read(id), 'MISS 10');
    await eventually('it is kept under a new epoch', async () => (await desk.read(id)) === 'HIT 10');
    await server.ask('DEL', `cordada:consultas:f:${id}`);
    await desk.hear(desk.warehouse.change(id));
    assert.is(await desk.read(id), 'MISS 11');
    await server.ask('FLUSHALL');
    assert.is(await desk.read(id), 'MISS 11');
    desk.close();
  });

  faults('values that we did not write are as if they were not there', async () => {
    const desk = await opened();
    const { id, sku } = desk.warehouse.add();
    await desk.read(id);
    await desk.read(sku);
    await desk.page();
    const epoch = (await server.ask('GET', 'cordada:consultas:epoch')).split('\r\n')[1] ?? '';
    const item = `cordada:consultas:i:${id}`;
    const values: string[][] = [
      ['SET', item, 'garbage'],
      ['SET', item, ''],
      ['SET', item, `${epoch} 1 {"id":7}`, 'PX', '60000'],
      ['SET', item, `${epoch} 1 {"id":`, 'PX', '60000'],
      ['SET', item, `${epoch} 1 null`, 'PX', '60000'],
      ['SET', `cordada:consultas:f:${id}`, 'many'],
      ['SET', 'cordada:consultas:p:1:10', `${epoch} 0 x:y {`, 'PX', '60000'],
      ['SET', `cordada:consultas:r:ref:${sku.toLowerCase()}`, `${epoch} nobody`],
      ['SET', 'cordada:consultas:names', 'x'],
    ];
    for (const command of values) {
      assert.match(await server.ask(...command), 'OK');
      assert.match((await desk.read(id)) ?? '', / 10$/, command.join(' '));
      assert.match((await desk.read(sku)) ?? '', / 10$/, command.join(' '));
      assert.match(await desk.page(), / 10$/, command.join(' '));
    }
    for (const key of [
      item,
      `cordada:consultas:f:${id}`,
      'cordada:consultas:p:1:10',
      'cordada:consultas:names',
    ]) {
      await server.ask('DEL', key);
      await server.ask('HSET', key, 'a', 'b');
      assert.match((await desk.read(id)) ?? '', / 10$/, key);
      assert.match(await desk.page(), / 10$/, key);
      await desk.hear(desk.warehouse.change(id, { quantity: 10 }), 'item');
    }
    await eventually('it is kept again', async () => (await desk.read(id)) === 'HIT 10');
    desk.close();
  });

  for (const [what, behave] of [
    ['says nothing', () => {}],
    ['speaks another protocol', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['answers OK to all', (socket: Socket) => socket.on('data', () => socket.write('+OK\r\n'))],
    ['answers numbers', (socket: Socket) => socket.on('data', () => socket.write(':7\r\n'))],
    [
      'answers lists of no sense',
      (socket: Socket) => socket.on('data', () => socket.write('*2\r\n:1\r\n*-1\r\n')),
    ],
    ['refuses all', (socket: Socket) => socket.on('data', () => socket.write('-ERR no\r\n'))],
    ['hangs up', (socket: Socket) => socket.on('data', () => socket.destroy())],
  ] as const)
    faults(`one that ${what} costs nothing but reads`, async () => {
      const sockets = new Set<Socket>();
      const impostor: Server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        behave(socket);
      });
      await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
      const { port } = impostor.address() as { port: number };
      const desk = new Desk(at({ host: '127.0.0.1', port }));
      const { id } = desk.warehouse.add();
      for (let i = 0; i < 10; i += 1) {
        assert.is(await desk.read(id), 'MISS 10');
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      await desk.hear(desk.warehouse.change(id));
      assert.is(await desk.read(id), 'MISS 11');
      assert.is(await desk.page(), 'MISS 11');
      desk.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => impostor.close(resolve));
    });

  faults('a password that is wrong is no error either; the right one opens it', async () => {
    const locked = await startTestRedis([['requirepass', 'right']]);
    assert.ok(locked);
    const place = { host: '127.0.0.1', port: locked?.port ?? 0 };
    const wrong = new Desk(at({ ...place, password: 'wrong' }));
    const { id } = wrong.warehouse.add();
    for (let i = 0; i < 3; i += 1) assert.is(await wrong.read(id), 'MISS 10');
    wrong.close();
    const right = new Desk(at({ ...place, password: 'right' }), wrong.warehouse);
    await usable(right);
    await right.read(id);
    assert.is(await right.read(id), 'HIT 10');
    right.close();
    await locked?.stop();
  });

  faults.after(() => server.stop());
}

shared.run();
faults.run();
