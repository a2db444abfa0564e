import { createConnection } from 'node:net';
import { inventoryDesk } from './inventory-desk.ts';
import { type Playable, play, poll, type ScenarioOptions } from './play.ts';
import { check } from './saga-view.ts';

/** For how long Redis answers nobody, in milliseconds. */
const SILENCE_MS = 3_000;
const ANSWER_MS = 2_000;

/** Sends a command to Redis. @returns what it says, or why it cannot be reached */
const tellRedis = (address: string, ...command: string[]): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port, username, password } = new URL(address);
    const socket = createConnection({ host: hostname, port: Number(port || 6379) });
    const end = (says: string): void => {
      socket.destroy();
      resolve(says);
    };
    const write = (parts: readonly string[]): void => {
      const bulk = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
      socket.write(`*${parts.length}\r\n${bulk.join('')}`);
    };
    socket.setTimeout(ANSWER_MS, () => end('no answer'));
    socket.once('error', (error) => end(error.message));
    let authorized = password === '';
    socket.on('data', (reply) => {
      if (authorized || !reply.toString().startsWith('+OK')) return end(reply.toString().trim());
      authorized = true;
      write(command);
    });
    if (authorized) write(command);
    else write(['AUTH', ...(username === '' ? [] : [username]), password].map(decodeURIComponent));
  });

/** Redis falls silent amid reads and writes: whoever reads is answered all the same, and never by what was before. */
export const cacheCaida: Playable = {
  name: 'cache-caida',
  summary: 'Redis answers nobody for three seconds: reads go on, slower, and show nothing old then or after.',
  run: (options) =>
    play('cache-caida', [], options, async ({ note }) => {
      const { redis } = options;
      if (redis === undefined)
        return note(check('skipped: REDIS_URL is not set, consultas caches in memory', true, String));
      const pong = await tellRedis(redis, 'PING');
      if (pong !== '+PONG') return note(check(`skipped: no Redis at REDIS_URL (${pong})`, true, String));
      await silence(redis, options, note);
    }),
};

type Note = (one: ReturnType<typeof check>) => void;

const silence = async (redis: string, options: ScenarioOptions, note: Note): Promise<void> => {
  const desk = inventoryDesk(options);
  const { id } = await desk.item(50);
  const isKept = async (): Promise<boolean> =>
    (await poll(options, async () => ((await desk.stock(id)).kept === 'HIT' ? true : undefined))) ?? false;
  note(check('what is read is kept', await isKept(), () => 'MISS'));
  const paused = await tellRedis(redis, 'CLIENT', 'PAUSE', String(SILENCE_MS), 'ALL');
  note(check('Redis answers nobody', paused === '+OK', () => paused));
  const until = options.now() + SILENCE_MS;
  let newest = 50;
  let older = '';
  let reads = 0;
  while (options.now() < until + SILENCE_MS) {
    const adjusted = await desk.done('POST', `/${id}/adjust`, { quantity: 1 }, 200);
    const quantity = (adjusted.json as { quantity: number }).quantity;
    const [seen = ''] = (await desk.stock(id)).text.split(' ');
    reads += 1;
    // A read may be older than a command just made; never older than one before it.
    if (Number(seen) < newest) older = `${seen} after ${newest}`;
    newest = Math.max(newest, Number(seen));
    if (quantity < newest) older = `${newest} of ${quantity}`;
  }
  note(check('all were answered meanwhile and after', reads > 0, () => String(reads)));
  note(check('nothing was shown that is older than what was shown', older === '', () => older));
  note(check('what is read is kept again', await isKept(), () => 'MISS'));
};
