import { NativeClientMissing } from '@cordada/infra/bus/pulsar/native/client.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { localBusUrl, redisProgram } from './servers.ts';

const ports = { PULSAR_PORT: 6650, PULSAR_WEB_PORT: 8080 };

test('services speak natively to the broker of this machine, and say nothing of it', async () => {
  const said: string[] = [];
  const url = await localBusUrl(
    ports,
    async () => undefined,
    (line) => said.push(line),
  );
  assert.is(url, 'pulsar://127.0.0.1:6650');
  assert.equal(said, []);
});

test('where npm could not install the native client they speak WebSocket, and the start says so', async () => {
  const said: string[] = [];
  const missing = () => Promise.reject(new NativeClientMissing('no binary'));
  const url = await localBusUrl(ports, missing, (line) => said.push(line));
  assert.is(url, 'pulsar+ws://127.0.0.1:8080');
  assert.is(said.length, 1);
  assert.match(said[0] ?? '', /pulsar-client.*WebSocket/);
});

test('any other failure of the native client is told, not gone round', async () => {
  const broken = () => Promise.reject(new Error('certificate'));
  const failure = await localBusUrl(ports, broken, () => undefined).catch((error: Error) => error.message);
  assert.is(failure, 'certificate');
});

const redis = { REDIS_URL: undefined, REDIS_HOST: undefined, REDIS_PORT: 6379 };

test('without a redis-server consultas caches in memory, and the start says so in a line', async () => {
  const said: string[] = [];
  const options = { path: '/nonexistent', say: (line: string) => said.push(line) };
  assert.is(await redisProgram(redis, options), undefined);
  assert.equal(said, [
    '! there is no redis-server: apt-get install redis-server; until then consultas caches in memory, each replica for itself',
  ]);
});

test('a Redis that the settings name is used, and none is started beside it', async () => {
  const said: string[] = [];
  const options = { path: '/nonexistent', say: (line: string) => said.push(line) };
  const named = [
    { ...redis, REDIS_URL: 'redis://elsewhere' },
    { ...redis, REDIS_HOST: 'elsewhere' },
  ];
  for (const one of named) assert.is(await redisProgram(one, options), undefined);
  assert.equal(said, []);
});

test.run();
