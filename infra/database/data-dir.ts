import { access, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, resolve } from 'node:path';

/** Another process serves this folder; two on one folder corrupt it. */
export class DataDirInUse extends Error {
  override readonly name = 'DataDirInUse';
}

/** A folder that this process alone uses. */
export interface HeldDataDir {
  /** The folder's real path. */
  readonly path: string;
  release(): Promise<void>;
}

const ignoreExisting = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EEXIST') throw error;
};

/** Makes a folder and its parents. Node's own `recursive` never ends where a parent says ENOENT, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path).catch(ignoreExisting);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    await makeFolder(parent);
    await mkdir(path).catch(ignoreExisting);
  }
}

const listen = (name: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });

/**
 * Makes the folder where missing and holds it by an abstract Unix socket named after its real path: the kernel frees
 * it when the process dies, however it dies.
 * @throws DataDirInUse when another process holds it, Error when it cannot be made or written
 */
export async function holdDataDir(dataDir: string): Promise<HeldDataDir> {
  let path: string;
  try {
    await makeFolder(resolve(dataDir));
    path = await realpath(dataDir);
    if (!(await stat(path)).isDirectory()) throw new Error('it is not a folder');
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`The data folder ${dataDir} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const server = await listen(`\0cordada:${path}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new DataDirInUse(
      `The data folder ${path} is served by another process: stop that one first, or name another folder in DATA_DIR`,
    );
  });
  return { path, release: () => new Promise((resolve) => server.close(() => resolve())) };
}
