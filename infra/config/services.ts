/** Every service, and its port, counted from PORT_BASE. */
const portOffsets = {
  bff: 0,
  campaign: 1,
  partner: 2,
  tracking: 3,
  'gestor-compra': 4,
  consolidador: 5,
  'admin-productos': 6,
  ordenes: 7,
  consultas: 9,
} as const;
export type ServiceName = keyof typeof portOffsets;
export const serviceNames = Object.keys(portOffsets) as ServiceName[];
/** A service that the BFF calls. */
export type Neighbour = Exclude<ServiceName, 'bff'>;
export const neighbourNames = serviceNames.filter((name): name is Neighbour => name !== 'bff');

/** The setting that says where the replicas of a service are: `GESTOR_COMPRA_URLS`. */
export const urlsSetting = <Name extends Neighbour>(service: Name): UrlsSetting<Name> =>
  `${service.toUpperCase().replaceAll('-', '_')}_URLS` as UrlsSetting<Name>;
type Underscored<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}_${Underscored<Tail>}`
  : Name;
export type UrlsSetting<Name extends Neighbour = Neighbour> = Name extends Neighbour
  ? `${Uppercase<Underscored<Name>>}_URLS`
  : never;

/** Between the ports of two replicas of a service. */
const REPLICA_STEP = 100;
/** Replicas of a service that have ports of their own. */
export const MOST_REPLICAS = 100;

/** The port that replica `replica` (from 0 on) of a service listens on, unless PORT names another. */
export const portOf = (
  { PORT_BASE, PORT }: { readonly PORT_BASE: number; readonly PORT?: number | undefined },
  service: ServiceName,
  replica: number,
): number => (PORT ?? PORT_BASE + portOffsets[service]) + REPLICA_STEP * replica;

/** Every port that the first `replicas` replicas of all services listen on. */
export const portsOf = (PORT_BASE: number, replicas: number): number[] =>
  Array.from({ length: replicas }, (_, replica) =>
    serviceNames.map((service) => portOf({ PORT_BASE }, service, replica)),
  ).flat();

/** Where this machine reaches what listens on `host`. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
};

/** The addresses of the first `replicas` replicas of a service on this machine. */
export const localUrls = (
  { PORT_BASE, HOST }: { readonly PORT_BASE: number; readonly HOST: string },
  service: ServiceName,
  replicas: number,
): string[] =>
  Array.from(
    { length: replicas },
    (_, replica) => `http://${reachable(HOST)}:${portOf({ PORT_BASE }, service, replica)}`,
  );

/** A record of something for each service that the BFF calls. */
export const forNeighbours = <Value>(of: (service: Neighbour) => Value): Record<Neighbour, Value> =>
  Object.fromEntries(neighbourNames.map((service) => [service, of(service)])) as Record<Neighbour, Value>;

/** A record of something for each service. */
export const forServices = <Value>(of: (service: ServiceName) => Value): Record<ServiceName, Value> =>
  Object.fromEntries(serviceNames.map((service) => [service, of(service)])) as Record<ServiceName, Value>;
