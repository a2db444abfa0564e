/** The services of each system, its coordinator first. */
export const systems = {
  campaign: ['campaign', 'partner', 'tracking'],
  compra: ['gestor-compra', 'consolidador', 'admin-productos', 'ordenes', 'consultas'],
} as const;
export type System = keyof typeof systems;
export type ServiceName = (typeof systems)[System][number];
/** The services that have a database and a durable subscription. */
export type Keeper = Exclude<ServiceName, 'consultas'>;
export type CoordinatorName = 'campaign' | 'gestor-compra';

export const isKeeper = (service: ServiceName): service is Keeper => service !== 'consultas';
export const isCoordinator = (service: ServiceName): service is CoordinatorName =>
  service === 'campaign' || service === 'gestor-compra';

/** What each service reads from the bus. */
export const subscriptions: Readonly<Record<Keeper, string>> = {
  campaign: 'campaign.coordinator',
  partner: 'partner',
  tracking: 'tracking',
  'gestor-compra': 'gestor-compra.coordinator',
  consolidador: 'consolidador',
  'admin-productos': 'admin-productos',
  ordenes: 'ordenes',
};
