/** `npm run pulsar`: a broker in the foreground, its data below DATA_DIR. */
import { join, resolve } from 'node:path';
import { readSettings } from '../../config/settings.ts';
import { refuseTakenPort, runInForeground } from '../foreground.ts';
import { startBroker } from './broker.ts';
import { brokerInstallation } from './broker-installation.ts';
import { brokerVersion } from './broker-jars.ts';

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

await runInForeground(async () => {
  const settings = readSettings(process.env);
  const { PULSAR_CACHE: cache, PULSAR_PORT: port, PULSAR_WEB_PORT: web } = settings;
  const path = process.env.PATH ?? '';
  await refuseTakenPort(port, 'PULSAR_PORT');
  await refuseTakenPort(web, 'PULSAR_WEB_PORT');
  const installed = await brokerInstallation(path, { ...(cache !== undefined && { cache }), say });
  const folder = join(resolve(settings.DATA_DIR), 'pulsar');
  say(`· starting Pulsar ${brokerVersion}, data in ${folder} …`);
  const broker = await startBroker({ ...installed, folder, ports: { broker: port, web }, log: say });
  const elsewhere = web === 8080 ? '' : ` PULSAR_ADMIN_URL=http://127.0.0.1:${web}`;
  say(`✔ BUS_URL=pulsar://127.0.0.1:${port}${elsewhere}`);
  say(`  over its WebSocket API: BUS_URL=pulsar+ws://127.0.0.1:${web}`);
  say(`  next: BUS_URL=pulsar://127.0.0.1:${port}${elsewhere} npm run provision`);
  return broker;
});
