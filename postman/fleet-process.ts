import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { portsOf } from '@cordada/infra/config/services.ts';
import { freePortBase } from '@cordada/infra/deploy/free-port.ts';

/** Every service, in a process of its own: what `npm start` begins. */
export interface FleetProcess {
  /** Where its BFF answers. */
  readonly url: string;
  /** Drains and ends it, and removes its data. */
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
/** A start on a bare machine installs and generates first. */
const startMs = 300_000;
const drainMs = 30_000;

/**
 * Runs `npm start` on free ports and a temporary folder, whatever the environment says about databases: a run leaves
 * nothing in anyone's data. On abort it is stopped, also while it starts.
 * @throws Error with its last output when it ends before it is ready
 */
export const startFleetProcess = async (
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<FleetProcess> => {
  const folder = await mkdtemp(join(tmpdir(), 'cordada-postman-'));
  const portBase = await freePortBase();
  const child = spawn('npm', ['start'], {
    cwd: root,
    // A group of its own: a Ctrl-C at the terminal reaches it through us alone, and nothing of it outlives a kill.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...env,
      PORT_BASE: String(portBase),
      DATA_DIR: join(folder, 'data'),
      HOST: '127.0.0.1',
      AUTH: 'demo',
      DATABASE_URL: '',
      BFF_URL: '',
    },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = `${output}${chunk}`.slice(-4_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      output += error.message;
      resolve();
    });
  });
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const stop = async (): Promise<void> => {
    if (!over) child.kill('SIGTERM');
    await Promise.race([ended, delay(drainMs, undefined, { ref: false })]);
    if (!over && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  const until = performance.now() + startMs;
  while (!(await areReady(portsOf(portBase, 1)))) {
    if (over || signal.aborted || performance.now() > until) {
      await stop();
      signal.throwIfAborted();
      throw new Error(`npm start ${over ? 'ended' : 'was not ready in time'}:\n${output}`);
    }
    await delay(200);
  }
  return { url: `http://127.0.0.1:${portBase}`, stop };
};

const areReady = async (ports: readonly number[]): Promise<boolean> => {
  try {
    const answers = await Promise.all(
      ports.map((port) => fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(3_000) })),
    );
    await Promise.all(answers.map((answer) => answer.text()));
    return answers.every(({ ok }) => ok);
  } catch {
    // Nothing listens there yet.
    return false;
  }
};
