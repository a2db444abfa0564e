import type { BusMessage } from '@cordada/infra/bus/bus.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { contracts } from '@cordada/schemas';
import {
  type Asked,
  drawPurchases,
  goShopping,
  type Pace,
  type PurchaseDriver,
  type Purchases,
} from './purchases.ts';
import type { System } from './systems.ts';

/** How much a seed does, and how unkind its world is. */
export interface Plan {
  /** What runs; nothing is asked of the rest. */
  readonly systems: readonly System[];
  /** What is bought, where purchases run. */
  readonly purchases: Purchases | undefined;
  /** Milliseconds of virtual time during which sagas begin and faults happen; then all faults end. */
  readonly trouble: number;
  readonly starts: readonly Start[];
  readonly deletes: readonly Delete[];
  readonly ruleChanges: readonly RuleChange[];
  readonly directs: readonly Direct[];
  readonly cancels: readonly Cancel[];
  /** Payloads that are no records, sent to a topic under some key. */
  readonly garbage: readonly { readonly at: number; readonly message: BusMessage }[];
}

export interface Start {
  readonly at: number;
  readonly saga: string;
  readonly nombre: string;
  readonly marca: string;
  readonly participantes: readonly string[];
  /** How often it is published. */
  readonly times: number;
}

export interface Delete {
  readonly at: number;
  readonly saga: string;
  /** One entity that the saga made; the whole saga where absent. */
  readonly entidad?: string;
}

/** A partner, with an evento, that is registered alone for a saga's campaign. */
export interface Direct {
  readonly at: number;
  readonly saga: string;
  readonly partner: string;
  readonly evento: string;
}

/** A DELETE of what was registered alone. */
export interface Cancel {
  readonly at: number;
  readonly what: 'partner' | 'evento';
  readonly id: string;
}

export interface RuleChange {
  readonly at: number;
  readonly rule: 'suspension' | 'tracking';
  readonly id: string;
  readonly refuses: boolean;
}

/** What a fleet does for a workload, at whichever level it is simulated. */
export interface Driver {
  /** Where purchases run. */
  readonly shop?: PurchaseDriver;
  /** Publishes as the BFF does. @returns whether the bus said that it is durable */
  publish(message: BusMessage): Promise<boolean>;
  /** A DELETE, as the coordinator decides it. Refusals are fine. */
  deshacer(saga: string, entidad: string | undefined): Promise<void>;
  setRule(rule: RuleChange['rule'], id: string, refuses: boolean): Promise<void>;
  /** A DELETE of what was registered alone, where services have that. Refusals are fine. */
  cancel?(what: Cancel['what'], id: string): Promise<void>;
}

/** Who sends garbage; its messages are in nobody's order. */
export const STRANGER = '/cordada/stranger';

const BRANDS = ['m1', 'm2', 'm3'];
const PEOPLE = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7'];

const CAMPAIGN: readonly System[] = ['campaign'];
const COMPRA: readonly System[] = ['compra'];
const BOTH: readonly System[] = ['campaign', 'compra'];

/**
 * Draws a plan from the world's seed.
 * @param only the system that is simulated; undefined: one of them or both, as the seed has it
 */
export const drawPlan = (world: VirtualTime, pace: Pace, only: System | undefined): Plan => {
  const drawn = world.random.fork('systems').pick([CAMPAIGN, CAMPAIGN, COMPRA, COMPRA, BOTH]);
  const systems = only === undefined ? drawn : [only];
  const plan = drawCampaigns(world);
  const nothing = { starts: [], deletes: [], ruleChanges: [], directs: [], cancels: [], garbage: [] };
  return {
    systems,
    ...plan,
    ...(systems.includes('campaign') ? {} : nothing),
    purchases: systems.includes('compra') ? drawPurchases(world, plan.trouble, pace) : undefined,
  };
};

const drawCampaigns = (world: VirtualTime): Omit<Plan, 'systems' | 'purchases'> => {
  const random = world.random.fork('plan');
  const trouble = 1_000 + random.below(60_000);
  const uuid = world.runtime.uuid;
  const starts = Array.from({ length: 1 + random.below(6) }, (): Start => {
    const crowd = random.chance(0.05) ? 20 + random.below(20) : random.below(6);
    const people =
      crowd > PEOPLE.length ? Array.from({ length: crowd }, (_, i) => `q${i}`) : shuffled(random.next);
    return {
      at: random.below(trouble),
      saga: uuid(),
      nombre: `campaña ${random.below(4)}`,
      marca: random.pick(BRANDS),
      participantes: people.slice(0, crowd),
      times: random.chance(0.2) ? 2 : 1,
    };
  });
  const deletes = starts.flatMap(({ at, saga, participantes }): Delete[] =>
    Array.from({ length: random.chance(0.4) ? 1 + random.below(3) : 0 }, () => {
      const when = at + random.below(trouble);
      const item = random.below(participantes.length + 1);
      const target = random.pick(['all', 'partner', 'evento']);
      return target === 'all' || item === participantes.length
        ? { at: when, saga }
        : { at: when, saga, entidad: entityId(saga, target, item) };
    }),
  );
  const ruleChanges = Array.from({ length: random.below(5) }, (): RuleChange => {
    const rule = random.pick(['suspension', 'tracking'] as const);
    return {
      at: random.below(trouble),
      rule,
      id: random.pick(rule === 'suspension' ? PEOPLE : BRANDS),
      refuses: random.chance(0.6),
    };
  });
  const garbage = Array.from({ length: random.chance(0.15) ? 1 + random.below(2) : 0 }, () => {
    const contract = random.pick([
      contracts.IniciarCampaign,
      contracts.CampaignCancelada,
      contracts.EventoRegistrado,
    ]);
    const key = random.chance(0.5) ? random.pick(starts).saga : uuid();
    const message = {
      topic: contract.topic,
      key,
      properties: {
        'ce-id': uuid(),
        'ce-subject': key,
        'ce-source': STRANGER,
        correlationid: key,
        idempotencykey: `${key}/garbage/${contract.name}`,
      },
      payload: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    };
    return { at: random.below(trouble), message };
  });
  const directs = starts.flatMap(({ at, saga }): Direct[] =>
    random.chance(0.4) ? [{ at: at + random.below(trouble), saga, partner: uuid(), evento: uuid() }] : [],
  );
  const afterwards = world.random.fork('cancels');
  const cancels = directs.flatMap(({ at, partner, evento }): Cancel[] => {
    const what = afterwards.pick(['partner', 'evento'] as const);
    const when = at + afterwards.below(trouble);
    return afterwards.chance(0.5) ? [{ at: when, what, id: what === 'partner' ? partner : evento }] : [];
  });
  return { trouble, starts, deletes, ruleChanges, directs, cancels, garbage };
};

const shuffled = (next: () => number): string[] =>
  PEOPLE.map((id) => ({ id, order: next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ id }) => id);

/** Schedules a plan. @returns the sagas whose beginning was acknowledged, as they are */
export const carryOut = (
  plan: Plan,
  world: VirtualTime,
  client: Incarnation,
  driver: Driver,
): { readonly acknowledged: readonly string[]; readonly asked: Asked | undefined; done(): boolean } => {
  const acknowledged: string[] = [];
  let open = 0;
  const at = (label: string, ms: number, task: () => Promise<void>): void => {
    open += 1;
    world.schedule(label, ms, async () => {
      try {
        await task();
      } finally {
        open -= 1;
      }
    });
  };
  for (const start of plan.starts)
    for (let time = 0; time < start.times; time += 1)
      at(`start ${start.saga}`, start.at + time * 500, async () => {
        if (await driver.publish(startMessage(start, client))) acknowledged.push(start.saga);
      });
  for (const { at: when, saga, entidad } of plan.deletes)
    at(`delete ${saga}`, when, () => driver.deshacer(saga, entidad));
  for (const { at: when, rule, id, refuses } of plan.ruleChanges)
    at(`rule ${rule} ${id}`, when, () => driver.setRule(rule, id, refuses));
  for (const direct of plan.directs)
    at(`direct ${direct.partner}`, direct.at, async () => {
      await driver.publish(partnerMessage(direct, client));
      await driver.publish(eventoMessage(direct, client));
    });
  const { cancel } = driver;
  if (cancel)
    for (const { at: when, what, id } of plan.cancels)
      at(`cancel ${what} ${id}`, when, () => cancel(what, id));
  for (const { at: when, message } of plan.garbage)
    at(`garbage ${message.topic}`, when, async () => {
      await driver.publish(message);
    });
  const { shop } = driver;
  const asked = plan.purchases && shop ? goShopping(plan.purchases, world, client, shop, at) : undefined;
  return { acknowledged, asked, done: () => open === 0 };
};

const startMessage = ({ saga, nombre, marca, participantes }: Start, { runtime }: Incarnation): BusMessage =>
  busMessage(
    {
      contract: contracts.IniciarCampaign,
      body: {
        nombre,
        presupuesto: '10.50',
        divisa: 'COP',
        marca_id: marca,
        participantes: participantes.map((id) => ({
          id,
          tipo: 'afiliado',
          nombre: id,
          informacion_perfil: '',
        })),
      },
      correlationId: saga,
      subject: saga,
      idempotencyKey: saga,
    },
    'bff',
    runtime,
  );

const partnerMessage = ({ saga, partner }: Direct, { runtime }: Incarnation): BusMessage =>
  busMessage(
    {
      contract: contracts.RegistrarPartner,
      body: {
        id_partner: partner,
        id_campaign: entityId(saga, 'campaign', 0),
        id_participante: null,
        nombre: 'directo',
        tipo: 'influencer',
        informacion_perfil: '',
      },
      correlationId: partner,
      subject: partner,
      idempotencyKey: partner,
    },
    'bff',
    runtime,
  );

const eventoMessage = ({ saga, partner, evento }: Direct, { runtime }: Incarnation): BusMessage =>
  busMessage(
    {
      contract: contracts.RegistrarEvento,
      body: {
        id_evento: evento,
        id_partner: partner,
        id_campana: entityId(saga, 'campaign', 0),
        marca_id: 'm1',
      },
      correlationId: evento,
      subject: evento,
      idempotencyKey: evento,
    },
    'bff',
    runtime,
  );
