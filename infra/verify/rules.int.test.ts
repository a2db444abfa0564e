import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The settings of every tool and the workspaces' manifests, without their code, to plant faults in. */
const emptyCheckout = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'cordada-rules-'));
  const copy = async (path: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(join(root, path), join(folder, path), { recursive: true });
  };
  for (const path of [
    'package.json',
    'package-lock.json',
    'turbo.json',
    'biome.json',
    'infra/lint',
    '.gitignore',
  ])
    await copy(path);
  const apps = (await readdir(join(root, 'apps'), { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `apps/${name}`);
  for (const workspace of ['schemas', 'infra', 'sagas', ...apps])
    for (const file of ['package.json', 'turbo.json']) await copy(join(workspace, file));
  spawnSync('git', ['init', '-q'], { cwd: folder });
  return folder;
};

const lint = suite<{ folder: string }>('the linter', { folder: '' });

lint.before(async (context) => {
  context.folder = await emptyCheckout();
});

lint.after(({ folder }) => rm(folder, { recursive: true, force: true }));

/** The rules that a file of that text breaks at that path, sorted, each once. */
const brokenRules = async (folder: string, path: string, text: string): Promise<string[]> => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  const { stdout } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['lint', '--reporter=json', '--max-diagnostics=none', path],
    { cwd: folder, encoding: 'utf8' },
  );
  await rm(file);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string; severity: string }[] };
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  return [...new Set(errors.map(({ category }) => category.split('/').at(-1) ?? ''))].sort();
};

lint(
  'refuses the clock, chance and ids of one’s own in product code, and lets tests have them',
  async ({ folder }) => {
    for (const ambient of [
      'Date.now()',
      'new Date()',
      'performance.now()',
      'Math.random()',
      'crypto.randomUUID()',
    ]) {
      const text = `export const a = () => ${ambient};\n`;
      assert.equal(await brokenRules(folder, 'infra/bus/planted.ts', text), ['plugin'], ambient);
      assert.equal(await brokenRules(folder, 'apps/partner/src/planted.ts', text), ['plugin'], ambient);
      assert.equal(await brokenRules(folder, 'infra/bus/planted.unit.test.ts', text), [], ambient);
      assert.equal(await brokenRules(folder, 'infra/system-runtime.ts', text), [], ambient);
    }
    const given = 'export const a = (ms: number) => new Date(ms);\n';
    assert.equal(await brokenRules(folder, 'infra/bus/planted.ts', given), []);
  },
);

lint('refuses timers, the network and the environment of one’s own', async ({ folder }) => {
  for (const [path, text, rules] of [
    ['sagas/engine/planted.ts', 'setTimeout(() => {}, 1);\n', ['noRestrictedGlobals']],
    ['sagas/engine/planted.ts', 'setInterval(() => {}, 1);\n', ['noRestrictedGlobals']],
    ['apps/bff/src/planted.ts', `export const a = async () => fetch('x');\n`, ['noRestrictedGlobals']],
    ['apps/bff/src/planted.ts', 'export const a = process.env.A;\n', ['noProcessEnv']],
    ['infra/config/planted.ts', 'export const a = process.env.A;\n', []],
  ] as const)
    assert.equal(await brokenRules(folder, path, text), [...rules], `${path}: ${text}`);
});

lint('refuses a promise that nobody waits for', async ({ folder }) => {
  const text = 'const a = async () => {};\nexport const b = () => { a(); };\n';
  assert.equal(await brokenRules(folder, 'infra/bus/planted.ts', text), ['noFloatingPromises']);
});

lint('refuses I/O in what must be pure, and lets it import contracts', async ({ folder }) => {
  for (const path of [
    'sagas/campaign.saga.ts',
    'sagas/engine/definition.ts',
    'sagas/engine/decide.ts',
    'apps/partner/src/partner.ts',
  ]) {
    const builtin = `import fs from 'node:fs';\nexport const a = fs;\n`;
    assert.equal(await brokenRules(folder, path, builtin), ['noNodejsModules'], path);
    for (const module of [
      '@cordada/infra/database/postgres.ts',
      '@cordada/infra/http/server.ts',
      'pg',
      './store.ts',
    ]) {
      const rules = await brokenRules(folder, path, `import { a } from '${module}';\nexport const b = a;\n`);
      assert.ok(rules.includes('noRestrictedImports'), `${path} may import ${module}`);
    }
    const allowed = `import { contracts } from '@cordada/schemas';\nexport const a = contracts;\n`;
    assert.equal(await brokenRules(folder, path, allowed), [], path);
  }
});

lint.run();

const boundaries = suite<{ folder: string }>('the boundaries', { folder: '' });

boundaries.before(async (context) => {
  context.folder = await emptyCheckout();
});

boundaries.after(({ folder }) => rm(folder, { recursive: true, force: true }));

const check = (folder: string): { ok: boolean; said: string } => {
  const { status, stdout, stderr } = spawnSync(
    join(root, 'node_modules/.bin/turbo'),
    ['boundaries', '--no-color'],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
    },
  );
  return { ok: status === 0, said: `${stdout}${stderr}` };
};

/** Whether a file with that import passes. */
const passes = async (folder: string, path: string, module: string): Promise<boolean> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), `import '${module}';\n`);
  const { ok } = check(folder);
  await rm(join(folder, path));
  return ok;
};

boundaries('hold where nothing is planted', ({ folder }) => {
  const { ok, said } = check(folder);
  assert.ok(ok, said);
});

boundaries('refuse every import against the direction, by name and by path', async ({ folder }) => {
  for (const [path, module] of [
    ['schemas/planted.ts', '@cordada/infra/runtime.ts'],
    ['infra/planted.ts', '@cordada/sagas/engine/decide.ts'],
    ['infra/planted.ts', '../sagas/engine/decide.ts'],
    ['sagas/planted.ts', '@cordada/campaign/service.ts'],
    ['apps/partner/src/planted.ts', '@cordada/campaign/service.ts'],
    ['apps/partner/src/planted.ts', '../../campaign/src/service.ts'],
    ['apps/bff/src/planted.ts', '@cordada/embedded/fleet.ts'],
    ['apps/bff/src/planted.ts', 'left-pad'],
  ] as const)
    assert.not(await passes(folder, path, module), `${path} may import ${module}`);
  assert.ok(await passes(folder, 'sagas/planted.ts', '@cordada/infra/runtime.ts'));
  assert.ok(await passes(folder, 'apps/embedded/src/planted.ts', '@cordada/campaign/service.ts'));
});

boundaries('refuse an app that declares another app as its dependency', async ({ folder }) => {
  const path = join(folder, 'apps/partner/package.json');
  const before = await readFile(path, 'utf8');
  await writeFile(
    path,
    before.replace('"dependencies": {', '"dependencies": { "@cordada/campaign": "0.1.0",'),
  );
  const { ok, said } = check(folder);
  await writeFile(path, before);
  assert.not(ok);
  assert.match(said, 'without any tag listed in allowlist');
});

boundaries.run();
