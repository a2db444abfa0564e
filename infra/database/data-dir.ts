import { access, constants, mkdir, realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';

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
    await mkdir(dataDir, { recursive: true });
    path = await realpath(dataDir);
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
