import { type ServiceName, serviceNames } from '@cordada/infra/config/services.ts';
import type { AllSettings } from '@cordada/infra/config/settings.ts';
import { databaseName } from '@cordada/infra/service/service-database.ts';
import type { Place } from './stores.ts';

const EXAMPLE = {
  nombre: 'Otoño',
  presupuesto: 1500.5,
  divisa: 'COP',
  marca_id: 'marca-1',
  participantes: [{ id: 'p-1', tipo: 'influencer', nombre: 'Ana', informacion_perfil: 'viajes' }],
};

const dataOf = (place: Place): string => {
  switch (place.kind) {
    case 'memory':
      return 'in this process, gone with it';
    case 'pglite':
      return `${place.dataDir} (PGlite: survives the death of the process, not a power cut)`;
    case 'postgres': {
      const { host } = new URL(place.url);
      const names = serviceNames
        .filter((name) => name !== 'bff')
        .map((name) => databaseName(place.prefix, name));
      return `Postgres at ${host}: ${names.join(', ')}`;
    }
  }
};

const openTo = ({ AUTH, HOST }: AllSettings): string =>
  AUTH === 'demo'
    ? `AUTH=demo: whoever reaches ${HOST} may call every route of the BFF, without a key; AUTH=required closes it`
    : 'AUTH=required: every route of the BFF needs an X-API-Key of API_KEYS';

export interface CardOptions {
  readonly settings: AllSettings;
  readonly place: Place;
  /** Base addresses of the replicas of each service. */
  readonly urls: Readonly<Record<ServiceName, readonly string[]>>;
  /** The broker, where there is one. */
  readonly bus?: string;
  /** The Redis that was started. */
  readonly cache?: string;
  readonly seconds: number;
}

const COLUMN = Math.max(...serviceNames.map((name) => name.length));

/** What a person needs to know once everything runs. */
export const card = ({ settings, place, urls, bus, cache, seconds }: CardOptions): string => {
  const key = settings.AUTH === 'demo' ? '' : " -H 'x-api-key: <key>'";
  const [bff = ''] = urls.bff;
  const curl =
    `curl -i ${bff}/registrar-campaign -H 'content-type: application/json' -H 'prefer: wait=5'${key} ` +
    `-d '${JSON.stringify(EXAMPLE)}'`;
  return [
    '',
    `Cordada is up, after ${seconds.toFixed(1)} s`,
    ...serviceNames.map((name) => `  ${name.padEnd(COLUMN)} ${urls[name].join('  ')}`),
    `  ${'docs'.padEnd(COLUMN)} ${bff}/docs`,
    ...(bus === undefined ? [] : [`  ${'bus'.padEnd(COLUMN)} ${bus}`]),
    ...(cache === undefined ? [] : [`  ${'cache'.padEnd(COLUMN)} ${cache}`]),
    `  ${'data'.padEnd(COLUMN)} ${dataOf(place)}`,
    `  ${'open'.padEnd(COLUMN)} ${openTo(settings)}`,
    `  ${'try'.padEnd(COLUMN)} ${curl}`,
    `  ${'end'.padEnd(COLUMN)} Ctrl-C`,
    '',
  ].join('\n');
};
