/** Every service; its place here is its port, counted from PORT_BASE. */
export const serviceNames = ['bff', 'campaign', 'partner', 'tracking'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Between the ports of two replicas of a service. */
const REPLICA_STEP = 100;
/** Replicas of a service that have ports of their own. */
export const MOST_REPLICAS = 100;

/** The port that replica `replica` (from 0 on) of a service listens on, unless PORT names another. */
export const portOf = (
  { PORT_BASE, PORT }: { readonly PORT_BASE: number; readonly PORT?: number | undefined },
  service: ServiceName,
  replica: number,
): number => (PORT ?? PORT_BASE + serviceNames.indexOf(service)) + REPLICA_STEP * replica;

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

/** A record of something for each service. */
export const forServices = <Value>(of: (service: ServiceName) => Value): Record<ServiceName, Value> =>
  Object.fromEntries(serviceNames.map((service) => [service, of(service)])) as Record<ServiceName, Value>;
