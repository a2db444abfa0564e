/** `npm run service <name>`: one service as a process of its own. */
import { type ServiceName, serviceNames } from '@cordada/infra/config/services.ts';

/** Importing a service's `main.ts` runs it. */
const programs: Readonly<Record<ServiceName, () => Promise<unknown>>> = {
  bff: () => import('@cordada/bff/main.ts'),
  campaign: () => import('@cordada/campaign/main.ts'),
  partner: () => import('@cordada/partner/main.ts'),
  tracking: () => import('@cordada/tracking/main.ts'),
  'gestor-compra': () => import('@cordada/gestor-compra/main.ts'),
  consolidador: () => import('@cordada/consolidador/main.ts'),
  'admin-productos': () => import('@cordada/admin-productos/main.ts'),
  ordenes: () => import('@cordada/ordenes/main.ts'),
  consultas: () => import('@cordada/consultas/main.ts'),
};

const [name = '', ...rest] = process.argv.slice(2);
const service = serviceNames.find((known) => known === name);
if (service === undefined) {
  const what = name === '' ? 'Which service?' : `There is no service ${name}:`;
  process.stderr.write(`✘ ${what} npm run service ${serviceNames.join('|')}\n`);
  process.exitCode = 1;
} else {
  process.argv = [...process.argv.slice(0, 2), ...rest];
  await programs[service]();
}
