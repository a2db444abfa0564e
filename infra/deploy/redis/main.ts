/** `npm run redis`: a Redis in the foreground. It is a cache, and keeps nothing. */
import { join, resolve } from 'node:path';
import { readSettings } from '../../config/settings.ts';
import { refuseTakenPort, runInForeground } from '../foreground.ts';
import { CACHE_SETTINGS, findRedis, startRedisServer } from './server.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

await runInForeground(async () => {
  const { DATA_DIR, REDIS_PORT: port } = readSettings(process.env);
  const program = findRedis(process.env.PATH ?? '');
  await refuseTakenPort(port, 'REDIS_PORT');
  const folder = join(resolve(DATA_DIR), 'redis');
  say('· starting Redis …');
  const server = await startRedisServer({ program, folder, port, settings: CACHE_SETTINGS });
  say(`✔ REDIS_URL=${server.url}`);
  return server;
});
