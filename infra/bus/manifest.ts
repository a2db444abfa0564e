import { catalog, contracts } from '@cordada/schemas';

/** A topic, and the service that owns it: the receiver of a command, the emitter of an event. */
export interface Topic {
  /** `<owner>/<Contract>.v<major>` */
  readonly name: string;
  readonly contract: string;
  readonly owner: string;
}

/** A durable subscription, from Earliest: what is published to its topics waits for it. */
export interface DurableSubscription {
  readonly name: string;
  /** The service whose replicas consume it. */
  readonly service: string;
  /** Names of topics. */
  readonly topics: readonly string[];
}

/** Every topic and durable subscription that exists. Transports make nothing else, and refuse what is not here. */
export interface Manifest {
  readonly topics: ReadonlyMap<string, Topic>;
  readonly subscriptions: ReadonlyMap<string, DurableSubscription>;
}

/** What a manifest needs to know of a contract. */
export interface DeclaredContract {
  readonly name: string;
  readonly owner: string;
  readonly topic: string;
}

/** @throws Error naming the topic or subscription that is declared twice, or that names an unknown topic */
export const defineManifest = (
  contracts: Iterable<DeclaredContract>,
  subscriptions: readonly DurableSubscription[],
): Manifest => {
  const topics = new Map<string, Topic>();
  for (const { name, owner, topic } of contracts) {
    if (topics.has(topic)) throw new Error(`The topic ${topic} is declared twice`);
    topics.set(topic, { name: topic, contract: name, owner });
  }
  const byName = new Map<string, DurableSubscription>();
  for (const subscription of subscriptions) {
    if (byName.has(subscription.name)) {
      throw new Error(`The subscription ${subscription.name} is declared twice`);
    }
    if (new Set(subscription.topics).size < subscription.topics.length) {
      throw new Error(`The subscription ${subscription.name} names a topic twice`);
    }
    for (const topic of subscription.topics) {
      if (!topics.has(topic)) {
        throw new Error(`The subscription ${subscription.name} names ${topic}, which is not a topic`);
      }
    }
    byName.set(subscription.name, subscription);
  }
  return { topics, subscriptions: byName };
};

const topicsOf = (...declared: readonly DeclaredContract[]): string[] => declared.map(({ topic }) => topic);

/** The product's own: all contracts, and who consumes them. */
export const manifest: Manifest = defineManifest(catalog, [
  {
    name: 'campaign.coordinator',
    service: 'campaign',
    // the steps of campaign's own run in the saga's transaction: their events are published and not consumed here
    topics: topicsOf(
      contracts.IniciarCampaign,
      contracts.PartnerRegistrado,
      contracts.RegistroPartnerFallido,
      contracts.PartnerCancelado,
      contracts.EventoRegistrado,
      contracts.RegistroEventoFallido,
      contracts.EventoCancelado,
    ),
  },
  {
    name: 'partner',
    service: 'partner',
    topics: topicsOf(contracts.RegistrarPartner, contracts.CancelarPartner, contracts.CampaignCancelada),
  },
  {
    name: 'tracking',
    service: 'tracking',
    topics: topicsOf(contracts.RegistrarEvento, contracts.CancelarEvento, contracts.PartnerCancelado),
  },
  {
    name: 'gestor-compra.coordinator',
    service: 'gestor-compra',
    topics: topicsOf(
      contracts.IniciarCompra,
      contracts.InventarioValidado,
      contracts.ValidacionInventarioFallida,
      contracts.InventarioReservado,
      contracts.ReservaInventarioFallida,
      contracts.InventarioLiberado,
      contracts.OrdenCreada,
      contracts.CreacionOrdenFallida,
      contracts.OrdenCancelada,
      contracts.ReservaConfirmada,
      contracts.ReservaVencida,
      contracts.OrdenAnulada,
      contracts.AnulacionOrdenFallida,
      contracts.InventarioDevuelto,
    ),
  },
  {
    name: 'consolidador',
    service: 'consolidador',
    topics: topicsOf(
      contracts.ValidarInventario,
      contracts.ReservarInventario,
      contracts.LiberarInventario,
      contracts.ConfirmarReserva,
      contracts.DevolverInventario,
      contracts.CrearItem,
      contracts.ActualizarItem,
      contracts.EliminarItem,
      contracts.AjustarExistencia,
      contracts.ReservarExistencia,
      contracts.LiberarExistencia,
      contracts.ProductoCreado,
      contracts.ProductoActualizado,
    ),
  },
  {
    name: 'admin-productos',
    service: 'admin-productos',
    topics: topicsOf(contracts.ItemCreado, contracts.ItemEliminado, contracts.OperacionInventarioRechazada),
  },
  {
    name: 'ordenes',
    service: 'ordenes',
    topics: topicsOf(
      contracts.CrearOrden,
      contracts.CancelarOrden,
      contracts.AnularOrden,
      contracts.ReservaConfirmada,
      contracts.CompraRechazada,
    ),
  },
]);
