import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Patch } from './defect.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The name space of the workspaces, whose links must lead into the copy. */
const OWN = '@cordada';

const apps = readdirSync(join(root, 'apps'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Copies the checkout as it stands, generated clients included, and links what npm installed. */
export const copyCheckout = (folder: string): void => {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0')) {
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  for (const app of apps) {
    const generated = join('apps', app, 'src/generated');
    if (existsSync(join(root, generated)))
      cpSync(join(root, generated), join(folder, generated), { recursive: true });
  }
  for (const workspace of ['.', 'infra', 'sagas', 'schemas', ...apps.map((app) => `apps/${app}`)]) {
    const installed = join(root, workspace, 'node_modules');
    if (!existsSync(installed)) continue;
    mkdirSync(join(folder, workspace, 'node_modules'), { recursive: true });
    for (const name of readdirSync(installed))
      if (name !== OWN) symlinkSync(join(installed, name), join(folder, workspace, 'node_modules', name));
  }
  const own = join(folder, 'node_modules', OWN);
  mkdirSync(own);
  for (const name of ['infra', 'sagas', 'schemas']) symlinkSync(join(folder, name), join(own, name));
  for (const app of apps) symlinkSync(join(folder, 'apps', app), join(own, app));
};

/** A patch that does not apply exactly once: the product's code has changed. */
export class PatchDoesNotApply extends Error {
  override readonly name = 'PatchDoesNotApply';
}

/**
 * Applies patches to a copy.
 * @returns what takes them back
 * @throws PatchDoesNotApply naming the file and the text that stands there never, or more than once
 */
export const applyPatches = (folder: string, patches: readonly Patch[]): (() => void) => {
  const before = new Map<string, string>();
  const undo = (): void => {
    for (const [path, text] of before) writeFileSync(path, text);
  };
  try {
    for (const { file, find, replace } of patches) {
      const path = join(folder, file);
      const text = readFileSync(path, 'utf8');
      if (!before.has(path)) before.set(path, text);
      const times = text.split(find).length - 1;
      if (times !== 1) throw new PatchDoesNotApply(`${file} has this ${times} times: ${find}`);
      writeFileSync(
        path,
        text.replace(find, () => replace),
      );
    }
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
};
