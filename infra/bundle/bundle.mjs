import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Whether Node, asked from the folder `from`, finds a package in the node_modules of the root, and in no nearer one. */
const isOfTheRoot = (root, from, name) => {
  const [scope, rest] = name.split('/');
  const folder = name.startsWith('@') ? `${scope}/${rest}` : scope;
  for (let at = from; at !== root && at.startsWith(root); at = dirname(at))
    if (existsSync(join(at, 'node_modules', folder))) return false;
  return true;
};

/**
 * Packages stay where they are; what is ours, and what a workspace has a version of its own of, goes into the bundle. A
 * module finds its neighbours by `import.meta.url`, which is the bundle's by then: so it is written out.
 */
const ours = (root) => ({
  name: 'ours',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, resolveDir }) => {
      if (path.startsWith('@cordada/')) return undefined;
      return isOfTheRoot(root, resolveDir, path) ? { path, external: true } : undefined;
    });
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      loader: 'ts',
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
    }));
  },
});

/** @param {string} root the root of the checkout */
const optionsOf = (root) => ({
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'silent',
  // What a bundled package of CommonJS requires, by a name that no source has.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
  plugins: [ours(root)],
});

/** How a source stands now; undefined where it is gone. */
const stampOf = (root, input) => {
  const found = statSync(join(root, input), { throwIfNoEntry: false });
  return found && `${found.mtimeMs} ${found.size}`;
};

/** @param list the file that tells how each source stood when the bundle was made */
const isFresh = (root, bundle, list) =>
  existsSync(bundle) &&
  existsSync(list) &&
  Object.entries(JSON.parse(readFileSync(list, 'utf8'))).every(
    ([input, stamp]) => stampOf(root, input) === stamp,
  );

/** Written beside and renamed: who starts at the same time reads the old one or the new one, whole. */
const writeWhole = (path, content) => {
  const half = `${path}.${process.pid}`;
  writeFileSync(half, content);
  renameSync(half, path);
};

/**
 * One file with all the TypeScript of a program: Node loads it in half the time that tsx takes for hundreds. It is made
 * anew when one of its sources has changed, and kept under `.data/programs`.
 * @param {string} root the root of the checkout
 * @param {string} program absolute
 * @returns {Promise<string>} the path of the bundle
 */
export const bundleOf = async (root, program) => {
  const folder = join(root, '.data/programs');
  const name = relative(root, program).replaceAll(/[/.]/g, '-');
  const [bundle, list] = [join(folder, `${name}.mjs`), join(folder, `${name}.json`)];
  if (isFresh(root, bundle, list)) return bundle;
  const began = Date.now();
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    ...optionsOf(root),
    entryPoints: [program],
    outfile: bundle,
    write: false,
    metafile: true,
  });
  const inputs = [
    ...Object.keys(metafile.inputs),
    'package-lock.json',
    relative(root, fileURLToPath(import.meta.url)),
  ];
  const stamps = Object.fromEntries(inputs.map((input) => [input, stampOf(root, input)]));
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of outputFiles) writeWhole(path, contents);
  // What changed meanwhile may not be what was read: then the next start makes the bundle anew.
  if (inputs.every((input) => statSync(join(root, input)).mtimeMs < began))
    writeWhole(list, JSON.stringify(stamps));
  return bundle;
};

/**
 * Many programs in one go, which share what several of them import.
 * @param {string} root the root of the checkout
 * @param {readonly string[]} programs relative to the root
 * @param {string} folder below the root, for whoever asks alone
 * @returns {Promise<(program: string) => string>} the path of a program's bundle
 * @throws where a source cannot be read or parsed: its message names each such place
 */
export const bundlesOf = async (root, programs, folder) => {
  const { build } = await import('esbuild');
  await build({
    ...optionsOf(root),
    entryPoints: [...programs],
    outdir: folder,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    splitting: true,
  });
  return (program) => join(folder, program.replace(/\.ts$/, '.mjs'));
};
