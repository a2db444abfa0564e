import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What the generator writes, and the mark of what it was made from. */
const OUTPUT = 'src/generated/prisma';
const STAMP = 'made-from.sha256';

/** The services that have a Prisma schema. */
export const services = (apps: string): string[] =>
  readdirSync(apps).filter((name) => existsSync(join(apps, name, 'prisma', 'schema.prisma')));

const require = createRequire(import.meta.url);

/** A generated client depends on its schema and on the generator's version. */
async function fingerprint(schema: string): Promise<string> {
  const { version } = require('prisma/package.json') as { version: string };
  return createHash('sha256')
    .update(await readFile(schema))
    .update(version)
    .digest('hex');
}

/**
 * Generates the Prisma client of every app that has a schema, into its `src/generated/prisma`, without the network.
 * @param apps the folder of the apps
 * @returns the names of those that were not up to date, and so were generated
 */
export async function generateClients(apps: string, log: (line: string) => void): Promise<string[]> {
  const generated: string[] = [];
  await Promise.all(
    services(apps).map(async (name) => {
      const app = join(apps, name);
      const schema = join(app, 'prisma', 'schema.prisma');
      const stamp = join(app, OUTPUT, STAMP);
      const made = await fingerprint(schema);
      if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === made) return;
      const started = performance.now();
      await rm(join(app, OUTPUT), { recursive: true, force: true });
      await promisify(execFile)(
        process.execPath,
        [require.resolve('prisma/build/index.js'), 'generate', '--schema', schema, '--no-hints'],
        {
          cwd: app,
          env: {
            ...process.env,
            // The command looks for this engine, and would download it, though it never runs it here.
            PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
            PRISMA_HIDE_UPDATE_MESSAGE: '1',
            CHECKPOINT_DISABLE: '1',
          },
        },
      );
      await writeFile(stamp, made);
      generated.push(name);
      log(`${name}: generated the Prisma client in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }),
  );
  return generated.sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const apps = resolve(fileURLToPath(import.meta.url), '../../../../apps');
  const generated = await generateClients(apps, console.log);
  if (generated.length === 0) console.log('The Prisma clients are up to date');
}
