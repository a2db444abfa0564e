import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { postgresAccount } from './server.ts';

const run = promisify(execFile);
/** Where Debian keeps what servers keep. */
const ELSEWHERE = '/var/lib/cordada';

/**
 * Where the cluster of a data folder stands: in it, as `postgres`. Root's own Postgres runs as another account; where that
 * one cannot enter the folder (a checkout below /root), the cluster stands in a folder of /var/lib that is told.
 */
export const clusterFolder = async (dataDir: string, say: (line: string) => void): Promise<string> => {
  const folder = join(resolve(dataDir), 'postgres');
  const account = await postgresAccount();
  if (account.uid === undefined || account.gid === undefined) return folder;
  await mkdir(folder, { recursive: true });
  await chown(folder, account.uid, account.gid);
  const enters = await run('test', ['-w', folder], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  );
  if (enters) return folder;
  const parent = dirname(dirname(folder));
  const mark = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  const elsewhere = join(ELSEWHERE, `${basename(parent)}-${mark}`, 'postgres');
  say(`· the account that runs Postgres cannot enter ${folder}: its data stands in ${elsewhere}`);
  await mkdir(elsewhere, { recursive: true });
  return elsewhere;
};
