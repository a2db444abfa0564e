import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import './quick-ticks.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What cannot be made ready, in one line for whoever started the program. */
class BootstrapError extends Error {}

/** To stderr: a program's own output, such as `--json`, stays clean. */
const say = (line) => process.stderr.write(`${line}\n`);

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/**
 * Whether node_modules holds what the lock file says. npm writes its own copy of the lock file there as its last act,
 * so an installation that was cut off does not count. Packages for other platforms may be absent.
 * @param {string} folder the root of the checkout
 */
export const isInstalled = (folder) => {
  const wanted = readJson(join(folder, 'package-lock.json'));
  const found = readJson(join(folder, 'node_modules/.package-lock.json'));
  if (wanted === undefined)
    throw new BootstrapError(`package-lock.json in ${folder} is missing or is not JSON.`);
  if (found === undefined) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    const installed = found.packages[path];
    if (installed === undefined) return path === '' || entry.optional === true;
    return installed.version === entry.version && installed.integrity === entry.integrity;
  });
};

/**
 * Whether every service's Prisma client was made from its schema by the Prisma that is installed: by the same mark that
 * infra/database/prisma/generate.ts leaves, read here because tsx, which that file needs, takes its time.
 * @param {string} folder the root of the checkout
 */
const areClientsFresh = (folder) => {
  const { version } = readJson(join(folder, 'node_modules/prisma/package.json'));
  return readdirSync(join(folder, 'apps')).every((app) => {
    const schema = join(folder, 'apps', app, 'prisma/schema.prisma');
    if (!existsSync(schema)) return true;
    const mark = join(folder, 'apps', app, 'src/generated/prisma/made-from.sha256');
    const wanted = createHash('sha256').update(readFileSync(schema)).update(version).digest('hex');
    return existsSync(mark) && readFileSync(mark, 'utf8') === wanted;
  });
};

/**
 * Runs a command to its end; its output is shown only when it fails. It has a process group of its own, so that an
 * abort reaches all of it, and a Ctrl-C of the terminal reaches it only through us.
 * @param {AbortSignal} signal
 */
const run = (command, args, signal) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    // npm goes on for half a minute after a SIGTERM. What is cut off is done anew by the next start, from nothing.
    const stop = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    signal.addEventListener('abort', stop, { once: true });
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', stop);
      if (code === 0) return resolve();
      // npm says first what is wrong, and then how it is called.
      const shown = output.trimEnd().split('\n').slice(0, 30).join('\n');
      reject(
        new BootstrapError(`${shown}\n${basename(command)} ${args.join(' ')} failed with exit code ${code}.`),
      );
    });
  });

/** One step of the start, with a line that says what it does and one that says how long it took. */
const step = async (doing, done, work) => {
  const began = performance.now();
  say(`· ${doing} …`);
  await work();
  say(`✔ ${done} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
};

const install = (signal) => {
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // npm run by this very Node, where npm started us; not yarn's or pnpm's.
  return npm !== undefined && basename(npm) === 'npm-cli.js'
    ? run(process.execPath, [npm, ...args], signal)
    : run('npm', args, signal);
};

const generateClients = (signal) =>
  run(process.execPath, ['--import', 'tsx', 'infra/database/prisma/generate.ts'], signal);

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Two programs started at once on a fresh clone must not install into one folder: the second waits for the first. */
const withLock = async (work, signal) => {
  const lock = join(root, '.data/bootstrap.lock');
  mkdirSync(join(root, '.data'), { recursive: true });
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let owner;
    try {
      owner = Number(readFileSync(lock, 'utf8'));
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      continue;
    }
    if (owner > 0 && !isAlive(owner)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!waited) say(`· waiting for process ${owner}, which installs into this folder (${lock}) …`);
    await sleep(250, undefined, { signal });
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
};

/**
 * Installs the dependencies and generates the Prisma clients where they are missing or older than their sources.
 * When `signal` aborts, what is under way is stopped, and the next start begins it anew.
 * @param {AbortSignal} signal
 */
export const bootstrap = async (signal) => {
  if (isInstalled(root) && areClientsFresh(root)) return;
  await withLock(async () => {
    if (!isInstalled(root)) {
      await step('installing the dependencies (npm ci)', 'dependencies installed', () => install(signal));
    }
    signal.throwIfAborted();
    if (!areClientsFresh(root)) {
      await step('generating the Prisma clients', 'Prisma clients generated', () => generateClients(signal));
    }
    signal.throwIfAborted();
  }, signal);
};

/** A Ctrl-C reaches a script twice: from the terminal, and from npm, which passes on its own. */
const ONE_CTRL_C_MS = 300;

const SIGNALS = { SIGINT: 130, SIGTERM: 143 };

/**
 * Makes everything ready, then runs a program in this very process, so that signals need no forwarding: by tsx, or as one
 * bundle, which is up sooner and runs faster (tsx names each function again each time that it is made). As long as the
 * program has no handler of its own, a signal ends the process: with 0 where it is a service, a bundle whose end by a
 * signal is the usual one, else with the code of a program that was interrupted.
 * @param {string[]} args `[--service | --bundle] <program, relative to the root> [argument …]`
 */
export const launch = async (args) => {
  const isService = args[0] === '--service';
  const isBundle = isService || args[0] === '--bundle';
  const [program, ...rest] = isBundle ? args.slice(1) : args;
  if (program === undefined) throw new TypeError('launch.mjs needs the program to run');
  const abort = new AbortController();
  let ready = false;
  let firstSignalAt;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      const handledByProgram = process.listenerCount(signal) > 1;
      if (handledByProgram) return;
      process.exitCode = isService ? 0 : code;
      firstSignalAt ??= performance.now();
      const again = performance.now() - firstSignalAt > ONE_CTRL_C_MS;
      if (ready || again) process.exit();
      abort.abort();
    });
  }
  try {
    await bootstrap(abort.signal);
  } catch (error) {
    if (abort.signal.aborted) return say('✘ stopped before anything was started');
    if (!(error instanceof BootstrapError) && error.code === undefined) throw error;
    say(`✘ ${error.message}`);
    process.exitCode = 1;
    return;
  }
  if (abort.signal.aborted) return;
  ready = true;
  const path = join(root, program);
  process.argv = [process.execPath, path, ...rest];
  if (isBundle) {
    process.setSourceMapsEnabled(true);
    const { bundleOf } = await import('@cordada/infra/bundle/bundle.mjs');
    await import(pathToFileURL(await bundleOf(root, path)).href);
  } else {
    const { register } = await import('tsx/esm/api');
    register();
    await import(pathToFileURL(path).href);
  }
};
