/**
 * A process of its own that asks one server as fast as it answers: one request at a time on each of its connections, so
 * that asking costs as little as can be, on another core than answering.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { askProcess } from './ask-process.ts';
import { closedLoop, type Run } from './closed-loop.ts';

/** What is asked for. */
export interface HttpLoad {
  readonly port: number;
  readonly connections: number;
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

export interface HttpRun extends Run {
  /** Answers that were kept, as `X-Cache` says. */
  readonly hits: number;
}

type Report = { readonly run: HttpRun } | { readonly failed: string };

export interface HttpClient {
  /** @throws Error for an answer that is not 200 */
  run(load: HttpLoad): Promise<HttpRun>;
  close(): void;
}

/** The first argument of such a process. */
const CLIENT = 'http-client';
const END_OF_HEAD = '\r\n\r\n';
const READ_BYTES = 4_096;

/** Starts such a process. */
export const startHttpClient = (): HttpClient => {
  const child = fork(fileURLToPath(import.meta.url), [CLIENT], { execArgv: ['--import', 'tsx'] });
  return {
    async run(load) {
      const report = await askProcess<Report>(child, load, 'the HTTP client');
      if ('failed' in report) throw new Error(report.failed);
      return report.run;
    },
    close: () => child.kill(),
  };
};

/** One connection: `ask` sends a request, and gives the head of its answer once all of that is here. */
const openConnection = async (
  port: number,
): Promise<{ ask(text: string): Promise<string>; close(): void }> => {
  let answered: ((head: string) => void) | undefined;
  let failed: ((error: Error) => void) | undefined;
  let received = '';
  const read = (bytes: number, buffer: Uint8Array): boolean => {
    received += (buffer as Buffer).toString('latin1', 0, bytes);
    const end = received.indexOf(END_OF_HEAD);
    if (end < 0) return true;
    const head = received.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
    if (received.length < end + END_OF_HEAD.length + length) return true;
    received = '';
    answered?.(head);
    return true;
  };
  // Read past the stream, and into one buffer: it takes a tenth less of the CPU, of which what answers is to have the most.
  const onread = { buffer: Buffer.allocUnsafe(READ_BYTES), callback: read };
  const socket = connect({ host: '127.0.0.1', port, onread }).setNoDelay();
  await once(socket, 'connect');
  socket.on('error', (error) => failed?.(error));
  socket.on('close', () => failed?.(new Error('the server closed a connection')));
  return {
    ask: (text) =>
      new Promise((resolve, reject) => {
        answered = resolve;
        failed = reject;
        socket.write(text, 'latin1');
      }),
    close() {
      failed = undefined;
      socket.destroy();
    },
  };
};

const load = async ({ port, connections, paths, headers }: HttpLoad): Promise<HttpRun> => {
  const opened = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  const head = Object.entries({ host: `127.0.0.1:${port}`, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const free = [...opened];
  let hits = 0;
  const run = await closedLoop(paths.length, connections, async (i) => {
    const connection = free.pop() as (typeof free)[number];
    const answer = await connection.ask(`GET ${paths[i]} HTTP/1.1\r\n${head}\r\n`);
    free.push(connection);
    if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`${paths[i]}: ${answer.split('\r\n', 1)[0]}`);
    if (answer.includes('x-cache: HIT')) hits += 1;
  });
  for (const connection of opened) connection.close();
  return { ...run, hits };
};

if (process.argv[2] === CLIENT) {
  process.on('disconnect', () => process.exit()); // who began it has died
  process.on('message', async (wanted: HttpLoad) => {
    let report: Report;
    try {
      report = { run: await load(wanted) };
    } catch (error) {
      report = { failed: String(error) };
    }
    process.send?.(report);
  });
}
