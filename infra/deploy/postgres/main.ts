/** `npm run db`: a Postgres in the foreground, its data below DATA_DIR. */
import { readSettings } from '../../config/settings.ts';
import { refuseTakenPort, runInForeground } from '../foreground.ts';
import { clusterFolder } from './cluster-folder.ts';
import { findPostgres, startPostgresServer } from './server.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

await runInForeground(async () => {
  const { DATA_DIR, POSTGRES_PORT: port } = readSettings(process.env);
  findPostgres();
  await refuseTakenPort(port, 'POSTGRES_PORT');
  const folder = await clusterFolder(DATA_DIR, say);
  say(`· starting Postgres, data in ${folder} …`);
  const server = await startPostgresServer({ folder, port, log: say });
  say(`✔ DATABASE_URL=${server.url}`);
  return server;
});
