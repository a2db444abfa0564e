import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { killLeftovers, type ProductProcess, startCommand, temporaryFolder } from './product-process.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Stands for npm: it counts its calls, takes its time, and links what the launcher needs from this checkout. */
const FAKE_NPM = `
import { appendFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
process.on('SIGTERM', () => {}); // as npm does, which goes on installing
appendFileSync('calls', process.argv[2] + '\\n');
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules');
await new Promise((resolve) => setTimeout(resolve, Number(process.env.INSTALL_MS)));
for (const name of ['@cordada', 'tsx', 'esbuild', '@esbuild', 'get-tsconfig', 'resolve-pkg-maps', 'prisma'])
  try { symlinkSync('${root}node_modules/' + name, 'node_modules/' + name); } catch {}
cpSync('package-lock.json', 'node_modules/.package-lock.json');
`;

const test = suite<{ folder: string; remove(): Promise<void> }>('the launcher', {
  folder: '',
  remove: async () => {},
});

/** A checkout with nothing installed, whose npm is the one above. */
test.before.each(async (context) => {
  const { path, remove } = await temporaryFolder();
  context.folder = path;
  context.remove = remove;
  await mkdir(join(path, 'apps/embedded'), { recursive: true });
  for (const file of ['launch.mjs', 'bootstrap.mjs', 'quick-ticks.mjs'])
    await cp(join(root, 'apps/embedded', file), join(path, 'apps/embedded', file));
  await mkdir(join(path, 'npm'));
  await writeFile(join(path, 'npm/npm-cli.js'), FAKE_NPM);
  await writeFile(join(path, 'npm/package.json'), '{ "type": "module" }');
  await writeFile(join(path, 'package.json'), '{ "type": "module" }');
  await writeLock(path, '1.0.0');
  await writeFile(
    join(path, 'program.ts'),
    `const pid: number = process.pid; console.log('ran', pid, process.argv.slice(2).join());
     if (process.argv.includes('stay')) setInterval(() => {}, 1_000);`,
  );
});

test.after.each(async ({ remove }) => {
  killLeftovers();
  await remove();
});

const writeLock = (folder: string, version: string): Promise<void> =>
  writeFile(
    join(folder, 'package-lock.json'),
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': {},
        'node_modules/a': { version },
        'node_modules/a-win32': { version, optional: true },
      },
    }),
  );

const launch = (folder: string, installMs: number, ...args: string[]): ProductProcess =>
  startCommand(
    [process.execPath, 'apps/embedded/launch.mjs', ...args],
    { npm_execpath: join(folder, 'npm/npm-cli.js'), INSTALL_MS: String(installMs) },
    { cwd: folder },
  );

/** @throws after 10 s */
const until = async (holds: () => boolean): Promise<void> => {
  for (let left = 1_000; !holds(); left -= 1) {
    if (left === 0) throw new Error('it did not come to that');
    await wait(10);
  }
};

const installs = async (folder: string): Promise<number> =>
  (await readFile(join(folder, 'calls'), 'utf8')).split('\n').length - 1;

test('installs where nothing is, says so with its time, then runs the program in its own process', async ({
  folder,
}) => {
  const run = launch(folder, 0, 'program.ts', '--flag');
  assert.is((await run.exit).code, 0);
  assert.match(run.stderr(), /· installing the dependencies .*\n✔ dependencies installed in \d+\.\d s/);
  assert.is(run.stdout(), `ran ${run.child.pid} --flag\n`);
});

test('installs again when the lock file names something else, and only then', async ({ folder }) => {
  await launch(folder, 0, 'program.ts').exit;
  const second = launch(folder, 0, 'program.ts');
  await second.exit;
  assert.is(second.stderr(), '');
  assert.is(await installs(folder), 1);
  await writeLock(folder, '1.0.1');
  await launch(folder, 0, 'program.ts').exit;
  assert.is(await installs(folder), 2);
});

test('a service that is stopped while it installs ends with 0 at once, a program with the code of its signal', async ({
  folder,
}) => {
  for (const [signal, args, code] of [
    ['SIGTERM', ['--service', 'program.ts'], 0],
    ['SIGINT', ['--service', 'program.ts'], 0],
    ['SIGTERM', ['program.ts'], 143],
    ['SIGINT', ['program.ts'], 130],
  ] as const) {
    const run = launch(folder, 20_000, ...args);
    await until(() => run.stderr().includes('installing'));
    await wait(200);
    run.kill(signal);
    const began = performance.now();
    assert.equal(await run.exit, { code, signal: null });
    assert.ok(performance.now() - began < 3_000, 'waited for the installation');
    assert.is(run.stdout(), '', 'the program ran');
  }
  const after = launch(folder, 0, 'program.ts');
  assert.is((await after.exit).code, 0);
  assert.match(after.stdout(), 'ran');
});

test('two that start at once install once', async ({ folder }) => {
  const runs = [launch(folder, 800, 'program.ts'), launch(folder, 800, 'program.ts')];
  for (const run of runs) assert.is((await run.exit).code, 0, run.stderr());
  assert.is(await installs(folder), 1);
  assert.match(runs.map((run) => run.stderr()).join(''), 'waiting for process');
});

test('an installation whose owner was killed does not block the next one', async ({ folder }) => {
  const first = launch(folder, 3_000, 'program.ts');
  await until(() => first.stderr().includes('installing'));
  first.kill('SIGKILL');
  await first.exit.catch(() => undefined);
  const second = launch(folder, 0, 'program.ts');
  assert.is((await second.exit).code, 0, second.stderr());
});

test('an installation that fails shows why and ends with 1', async ({ folder }) => {
  await writeFile(
    join(folder, 'npm/npm-cli.js'),
    `console.error('npm error no such package'); process.exit(7);`,
  );
  const run = launch(folder, 0, 'program.ts');
  assert.is((await run.exit).code, 1);
  assert.match(run.stderr(), 'npm error no such package');
  assert.match(run.stderr(), 'failed with exit code 7');
  assert.is(run.stdout(), '');
});

test('a signal to a program without a handler of its own ends it', async ({ folder }) => {
  for (const [args, code] of [
    [['--service', 'program.ts', 'stay'], 0],
    [['program.ts', 'stay'], 143],
  ] as const) {
    const run = launch(folder, 0, ...args);
    await until(() => run.stdout().includes('ran'));
    run.kill('SIGTERM');
    assert.equal(await run.exit, { code, signal: null });
  }
});

test('a service runs as its sources are now, each of which finds its own files and its own packages', async ({
  folder,
}) => {
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const version = (text: string): string => `export const version: string = '${text}';`;
  const shown = async (): Promise<string> => {
    const run = launch(folder, 0, '--service', 'service.ts');
    assert.is((await run.exit).code, 0, run.stderr());
    return run.stdout();
  };
  await write(
    'service.ts',
    `import { version } from './part/version.ts';
     import { here, packages } from './part/place.ts';
     console.log(version, here, packages, new Error('where').stack?.includes('service.ts:3'));`,
  );
  await write('part/version.ts', version('old'));
  await write(
    'part/place.ts',
    `import { readFileSync } from 'node:fs';
     import own from 'own';
     import shared from 'shared';
     export const here = readFileSync(new URL('./beside.txt', ${'import.meta'}.url), 'utf8');
     export const packages = own + shared;`,
  );
  await write('part/beside.txt', 'beside');
  await launch(folder, 0, 'program.ts').exit;
  for (const [path, text] of [
    ['part/node_modules/own', 'nearer '],
    ['node_modules/own', 'farther '],
    ['node_modules/shared', 'shared'],
  ] as const) {
    await write(`${path}/package.json`, '{ "main": "index.cjs" }');
    await write(`${path}/index.cjs`, `module.exports = '${text}';`);
  }
  assert.is(await shown(), 'old beside nearer shared true\n');
  await write('part/version.ts', version('newer'));
  assert.is(await shown(), 'newer beside nearer shared true\n');
});

test.run();
