import type { BusMessage } from '@cordada/infra/bus/bus.ts';
import { busMessage } from '@cordada/infra/messaging/wire.ts';
import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import type { Incarnation, VirtualTime } from '@cordada/infra/testing/virtual-time.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { contracts } from '@cordada/schemas';

/** What a seed buys, and what happens to the stock meanwhile. */
export interface Purchases {
  /** Milliseconds that a reservation lives. */
  readonly ttlMs: number;
  /** Milliseconds for which consultas shows what it has kept: of an item, and of its stock. */
  readonly cacheMs: { readonly item: number; readonly stock: number };
  readonly items: readonly PlannedItem[];
  readonly compras: readonly PlannedCompra[];
  readonly undos: readonly { readonly at: number; readonly saga: string }[];
  readonly commands: readonly StockCommand[];
  readonly prices: readonly PriceChange[];
  readonly customers: readonly CustomerRule[];
  /** Orders that an operario sends on their way. */
  readonly shipments: readonly { readonly at: number; readonly saga: string }[];
  readonly reads: readonly PlannedRead[];
}

export interface PlannedItem {
  readonly at: number;
  /** The id of the request that creates it. */
  readonly peticion: string;
  /** What it is called by, by all. */
  readonly name: string;
  /** Null where nobody says what it costs at first. */
  readonly precio: string | null;
  readonly units: number;
}

export interface PlannedCompra {
  readonly at: number;
  readonly saga: string;
  readonly buyer: string;
  readonly lineas: readonly { readonly producto: string; readonly cantidad: number }[];
  /** How often it is published. */
  readonly times: number;
  /** Milliseconds that its buyer gives it at the most; null: as long as a reservation lives. */
  readonly patienceMs: number | null;
}

/** What may be asked about an item's stock. */
export type Verb = 'adjust' | 'reserve' | 'release' | 'describe' | 'remove';

export interface StockCommand {
  readonly at: number;
  /** The id of the request, which is the same however often it is made. */
  readonly peticion: string;
  readonly item: string;
  readonly verb: Verb;
  readonly quantity: number;
  readonly times: number;
}

export interface PriceChange {
  readonly at: number;
  readonly item: string;
  readonly precio: string;
  readonly version: number;
}

export interface CustomerRule {
  readonly at: number;
  readonly id: string;
  readonly activo: boolean;
  /** With two decimals. */
  readonly limite: string;
}

export interface PlannedRead {
  readonly at: number;
  readonly item: string;
  readonly view: 'item' | 'stock';
}

/** A command that was accepted, by the operation in which its outcome is read. */
export interface Accepted {
  readonly peticion: string;
  readonly operacion: string;
  readonly item: string;
  readonly verb: Verb | 'create';
  readonly quantity: number;
}

/** A customer's rules as they were set: they hold from some instant between the two on; for ever unsure without an answer. */
export interface RuleSet extends CustomerRule {
  readonly answered: number | undefined;
}

/** What consultas showed of an item. */
export interface Shown {
  /** The life of the process that answered. */
  readonly replica: string;
  /** Milliseconds of the run: when it was asked, and when it answered. */
  readonly asked: number;
  readonly at: number;
  readonly ttlMs: number;
  readonly id: string;
  /** Absent in the view of a stock. */
  readonly version: number | undefined;
  readonly quantity: number;
  readonly reserved: number;
}

/** What a fleet does for buyers and for who keeps the shop, at whichever level it is simulated. */
export interface PurchaseDriver {
  /** Publishes as the BFF does. @returns whether the bus said that it is durable */
  publish(message: BusMessage): Promise<boolean>;
  /** @returns the operation; undefined where nobody answered that it is accepted, and it may be asked again */
  create(item: PlannedItem): Promise<string | undefined>;
  /** As `create`; null where it was refused. */
  command(
    command: Pick<StockCommand, 'item' | 'verb' | 'quantity' | 'peticion'>,
  ): Promise<string | null | undefined>;
  /** The id of an item, once it has one. */
  idOf(item: string): Promise<string | undefined>;
  deshacer(saga: string): Promise<void>;
  /** @returns whether it is known to be set */
  setCustomer(rule: CustomerRule): Promise<boolean>;
  ship(saga: string): Promise<void>;
  read(read: PlannedRead): Promise<Shown | undefined>;
}

const BUYERS = ['ana', 'beto', 'cruz'];
const NAMES = ['café', 'panela', 'arroz', 'queso'];
/** What nobody sells. */
const UNKNOWN = 'nada';
const PRICES = ['10.00', '99.95', '450.50'];
const LIMITS = ['1000000.00', '500.00', '99.95'];
const QUARTER_HOUR_MS = 900_000;
/** How long after its creation an item is sure to be asked for. */
const FIRST_SALES_MS = 1_500;
/** Milliseconds between two tries of what nobody answered. */
const AGAIN_MS = 400;
const MOST_TRIES = 40;

/** How soon reservations may run out, at a level: whoever looks for them more often makes a run dear. */
export interface Pace {
  readonly ttlsMs: readonly number[];
  readonly mostReads: number;
}

/** Draws what is bought. @param trouble milliseconds of the run in which all of it is asked for */
export const drawPurchases = (world: VirtualTime, trouble: number, pace: Pace): Purchases => {
  const random = world.random.fork('purchases');
  const uuid = world.runtime.uuid;
  const names = NAMES.slice(0, 1 + random.below(NAMES.length));
  const items = names.map(
    (name): PlannedItem => ({
      at: random.below(50),
      peticion: uuid(),
      name,
      precio: random.chance(0.85) ? random.pick(PRICES) : null,
      units: random.pick([0, 1, 3, 6, 12, 25]),
    }),
  );
  const rush = random.chance(0.4);
  const opening = Math.min(FIRST_SALES_MS + random.below(1_000), trouble - 1);
  const compras = Array.from({ length: 1 + random.below(7) }, (): PlannedCompra => {
    const at = rush && random.chance(0.7) ? opening + random.below(20) : opening + random.below(trouble);
    return {
      at: Math.min(at, trouble),
      saga: uuid(),
      buyer: random.pick(BUYERS),
      lineas: Array.from({ length: 1 + random.below(3) }, () => ({
        producto: random.chance(0.04) ? UNKNOWN : random.pick(names),
        cantidad: random.chance(0.02) ? 0 : 1 + random.below(random.chance(0.7) ? 2 : 4),
      })),
      times: random.chance(0.2) ? 2 : 1,
      patienceMs: random.chance(0.3) ? random.pick([150, 400, 1_500]) : null,
    };
  });
  const later = (at: number): number => at + 100 + random.below(random.chance(0.5) ? 4_000 : trouble);
  const undos = compras.flatMap(({ at, saga }) =>
    Array.from({ length: random.chance(0.5) ? 1 + random.below(4) : 0 }, () => ({ at: later(at), saga })),
  );
  const shipments = compras.flatMap(({ at, saga }) => (random.chance(0.2) ? [{ at: later(at), saga }] : []));
  const commands = Array.from({ length: random.below(10) }, (): StockCommand => {
    const verb = random.pick([
      'adjust',
      'adjust',
      'reserve',
      'reserve',
      'release',
      'release',
      'describe',
      'describe',
      random.chance(0.3) ? 'remove' : 'adjust',
    ] as const);
    return {
      at: rush && random.chance(0.5) ? opening + random.below(20) : opening + random.below(trouble),
      peticion: uuid(),
      item: random.pick(names),
      verb,
      quantity: verb === 'adjust' && random.chance(0.5) ? -1 - random.below(3) : 1 + random.below(3),
      times: random.chance(0.2) ? 2 : 1,
    };
  });
  // Now and then somebody frees one unit after another, while purchases are under way.
  const freed = random.pick(names);
  const releases = Array.from(
    { length: random.chance(0.4) ? 8 : 0 },
    (): StockCommand => ({
      at: opening + random.below(4_000),
      peticion: uuid(),
      item: freed,
      verb: 'release',
      quantity: 1,
      times: 1,
    }),
  );
  const prices = Array.from(
    { length: random.below(3) },
    (_, i): PriceChange => ({
      at: opening + random.below(trouble),
      item: random.pick(names),
      precio: random.pick(PRICES),
      version: 100 + i,
    }),
  );
  const customers = Array.from(
    { length: random.below(4) },
    (): CustomerRule => ({
      at: random.below(trouble),
      id: random.pick(BUYERS),
      activo: random.chance(0.75),
      limite: random.pick(LIMITS),
    }),
  );
  const reads = Array.from(
    { length: random.below(pace.mostReads) },
    (): PlannedRead => ({
      at: opening + random.below(trouble),
      item: random.pick(names),
      view: random.pick(['item', 'stock'] as const),
    }),
  );
  return {
    ttlMs: random.pick(pace.ttlsMs),
    cacheMs: random.pick([
      { item: 20_000, stock: 5_000 },
      { item: QUARTER_HOUR_MS, stock: QUARTER_HOUR_MS },
    ]),
    items,
    compras,
    undos,
    commands: [...commands, ...releases],
    prices,
    customers,
    shipments,
    reads: busy(random, reads, pace, names, opening),
  };
};

/** Now and then many ask for one item at once. */
const busy = (
  random: SeededRandom,
  reads: readonly PlannedRead[],
  { mostReads }: Pace,
  names: readonly string[],
  opening: number,
): readonly PlannedRead[] => {
  const item = random.pick(names);
  const many = random.chance(0.5) ? mostReads : 0;
  return [
    ...reads,
    ...Array.from(
      { length: many },
      (): PlannedRead => ({ at: opening + random.below(1_500), item, view: 'item' }),
    ),
  ];
};

/** What is known of what was asked, when a run is over. */
export interface Asked {
  readonly acknowledged: readonly string[];
  readonly accepted: readonly Accepted[];
  readonly rules: readonly RuleSet[];
  readonly shown: readonly Shown[];
}

/** Schedules what is bought. @param at schedules one task of the client's */
export const goShopping = (
  { items, compras, undos, commands, prices, customers, shipments, reads }: Purchases,
  world: VirtualTime,
  client: Incarnation,
  driver: PurchaseDriver,
  at: (label: string, ms: number, task: () => Promise<void>) => void,
): Asked => {
  const acknowledged: string[] = [];
  const accepted: Accepted[] = [];
  const rules: RuleSet[] = [];
  const shown: Shown[] = [];
  const began = world.runtime.now();
  const now = (): number => world.runtime.now() - began;

  /** Asks until somebody answers. */
  const untilAnswered = async <R>(ask: () => Promise<R | undefined>): Promise<R | undefined> => {
    for (let tries = 1; ; tries += 1) {
      const answer = await ask();
      if (answer !== undefined || tries === MOST_TRIES) return answer;
      await new Promise<void>((resolve) => world.schedule('asks again', AGAIN_MS, resolve));
    }
  };
  const command = async (asked: Omit<StockCommand, 'at' | 'times'>): Promise<void> => {
    const operacion = await untilAnswered(() => driver.command(asked));
    if (operacion) accepted.push({ ...asked, operacion });
  };

  for (const item of items)
    at(`create ${item.name}`, item.at, async () => {
      const { peticion, name, units } = item;
      const operacion = await untilAnswered(() => driver.create(item));
      if (operacion === undefined) return;
      accepted.push({ peticion, operacion, item: name, verb: 'create', quantity: 0 });
      if (units > 0)
        await command({
          peticion: entityId(peticion, 'units', 0),
          item: name,
          verb: 'adjust',
          quantity: units,
        });
    });
  for (const compra of compras)
    for (let time = 0; time < compra.times; time += 1)
      at(`buy ${compra.saga}`, compra.at + time * 500, async () => {
        if (await driver.publish(compraMessage(compra, client))) acknowledged.push(compra.saga);
      });
  for (const { at: when, saga } of undos) at(`undo ${saga}`, when, () => driver.deshacer(saga));
  for (const { at: when, saga } of shipments) at(`ship ${saga}`, when, () => driver.ship(saga));
  for (const { at: when, times, ...asked } of commands)
    for (let time = 0; time < times; time += 1)
      at(`${asked.verb} ${asked.item}`, when + time * 300, () => command(asked));
  for (const change of prices)
    at(`price ${change.item}`, change.at, async () => {
      const id = await driver.idOf(change.item);
      if (id !== undefined) await driver.publish(priceMessage(id, change, client));
    });
  for (const rule of customers)
    at(`customer ${rule.id}`, rule.at, async () => {
      const known = await driver.setCustomer(rule);
      rules.push({ ...rule, answered: known ? now() : undefined });
    });
  for (const read of reads)
    at(`read ${read.item}`, read.at, async () => {
      const seen = await driver.read(read);
      if (seen) shown.push(seen);
    });
  return { acknowledged, accepted, rules, shown };
};

const compraMessage = (
  { saga, buyer, lineas, patienceMs }: PlannedCompra,
  { runtime }: Incarnation,
): BusMessage =>
  busMessage(
    {
      contract: contracts.IniciarCompra,
      body: {
        id_usuario: buyer,
        domicilio: 'Calle 1',
        lineas: [...lineas],
        vence: patienceMs === null ? null : new Date(runtime.now() + patienceMs),
      },
      correlationId: saga,
      subject: saga,
      idempotencyKey: saga,
    },
    'bff',
    runtime,
  );

/** As the owner of the products will announce a new price. */
const priceMessage = (
  id: string,
  { item, precio, version }: PriceChange,
  { runtime }: Incarnation,
): BusMessage =>
  busMessage(
    {
      contract: contracts.ProductoActualizado,
      body: {
        id_producto: id,
        numero: 0,
        sku: item,
        nombre: item,
        descripcion: null,
        precio,
        version,
        fecha: new Date(runtime.now()),
      },
      correlationId: `${id}/${version}`,
      key: id,
      subject: id,
      idempotencyKey: `${id}/ProductoActualizado/${version}`,
    },
    'admin-productos',
    runtime,
  );
