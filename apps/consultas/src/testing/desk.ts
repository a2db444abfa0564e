import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpError } from '@cordada/infra/http/errors.ts';
import { decodeUtf8 } from '@cordada/infra/http/utf8.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import * as assert from 'uvu/assert';
import type { Cache } from '../cache.ts';
import { createFloors, type Floors } from '../floors.ts';
import type { ItemView, Ref } from '../item.ts';
import { refKeysOf, refOf, skuRefOf } from '../item.ts';
import { type Answer, createReader, type Reader } from '../reader.ts';

export { pause };

export const ttl = { itemMs: 60_000, stockMs: 30_000 };

/** What a replica of consultas is made of, for a test: its cache is given. */
export type MakeCache = (runtime: Runtime, floors: Floors) => Cache;

/** Consolidador, as far as it is read: its items, how often they were, and gates that hold its answers back. */
export class Warehouse {
  readonly items = new Map<string, ItemView>();
  readonly reads: string[] = [];
  away = false;
  /** Held answers, each with what it will say: it was read before it is let go. */
  readonly held: { release(): void }[] = [];
  holding = false;
  #last = 0;

  /** An item in its first version. */
  add(fields: Partial<ItemView> = {}): ItemView {
    this.#last += 1;
    const numero = this.#last;
    const item: ItemView = {
      id: `0199a1f0-7c3e-7000-8000-${String(numero).padStart(12, '0')}`,
      numero,
      sku: `SKU-${numero}`,
      name: `Nombre ${numero}`,
      quantity: 10,
      reserved: 0,
      available: 10,
      version: 1,
      updated_at: '2026-03-01T12:00:00.000Z',
      ...fields,
    };
    this.items.set(item.id, item);
    return item;
  }

  /** The next version of an item. */
  change(id: string, fields: Partial<ItemView> = {}): ItemView {
    const before = this.items.get(id) as ItemView;
    const version = before.version + 1;
    const next = { ...before, quantity: before.quantity + 1, version, ...fields };
    this.items.set(id, next);
    return next;
  }

  async #answer<R>(what: string, answer: R): Promise<R> {
    this.reads.push(what);
    if (this.away) throw new HttpError({ status: 503, code: 'NO_DISPONIBLE', detail: 'away' });
    if (this.holding) await new Promise<void>((release) => this.held.push({ release }));
    return answer;
  }

  readonly source = {
    item: (ref: Ref): Promise<ItemView | undefined> => {
      const called = decodeURIComponent(ref.path.at(-1) ?? '').toLowerCase();
      const all = [...this.items.values()];
      const bySku = ref.path[1] === 'sku';
      const found =
        (bySku ? undefined : this.items.get(called)) ??
        (bySku ? undefined : all.find(({ numero }) => String(numero) === called)) ??
        all.find(({ sku }) => sku.toLowerCase() === called) ??
        (bySku ? undefined : all.find(({ name }) => name.toLowerCase() === called));
      return this.#answer(ref.key, found);
    },
    page: (page: number, size: number): Promise<{ items: ItemView[]; total: number }> => {
      const all = [...this.items.values()];
      const items = all.slice((page - 1) * size, page * size);
      return this.#answer(`page ${page}:${size}`, { items, total: all.length });
    },
  };
}

/** A replica of consultas before a warehouse. */
export class Desk {
  readonly warehouse: Warehouse;
  readonly clock = { aheadMs: 0 };
  readonly cache: Cache;
  readonly reader: Reader;
  readonly #alive = setInterval(() => {}, 1_000); // the runtime's timers keep no process alive

  constructor(makeCache: MakeCache, warehouse = new Warehouse(), lasts = ttl) {
    this.warehouse = warehouse;
    const system = systemRuntime();
    const runtime: Runtime = { ...system, now: () => system.now() + this.clock.aheadMs };
    const floors = createFloors(runtime, lasts.itemMs + 60_000);
    this.cache = makeCache(runtime, floors);
    this.reader = createReader({
      cache: this.cache,
      floors,
      source: warehouse.source,
      runtime,
      log: createLogger({ name: 'consultas', level: 'silent', readable: false, now: () => runtime.now() }),
      ttl: lasts,
      counted: () => {},
    });
    this.cache.start();
  }

  /** `HIT 10` or `MISS 10`: where the quantity came from; undefined where there is no such item. */
  async read(called: string, view: 'item' | 'stock' = 'item'): Promise<string | undefined> {
    return told(await this.reader.one(refOf(called), view));
  }

  async readSku(sku: string): Promise<string | undefined> {
    return told(await this.reader.one(skuRefOf(sku), 'item'));
  }

  /** `HIT` or `MISS`, and the quantities of a page. */
  async page(page = 1, size = 10): Promise<string> {
    const { hit, body } = await this.reader.page(page, size);
    const { items } = JSON.parse(decodeUtf8(body)) as { items: { quantity: number }[] };
    return `${hit ? 'HIT' : 'MISS'} ${items.map(({ quantity }) => quantity)}`;
  }

  /** The news of an item's new version: of its stock, or of what it is called, too. */
  async hear(item: ItemView, kind: 'stock' | 'item' = 'stock'): Promise<void> {
    const { id, version } = item;
    await this.reader.learn({ versions: [{ id, version }], refs: kind === 'item' ? refKeysOf(item) : [] });
  }

  close(): void {
    clearInterval(this.#alive);
    this.cache.close();
  }
}

const told = (answer: Answer | undefined): string | undefined =>
  answer &&
  `${answer.hit ? 'HIT' : 'MISS'} ${(JSON.parse(decodeUtf8(answer.body)) as { quantity: number }).quantity}`;

/** Asks until `holds` does. */
export const eventually = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (let i = 0; i < 4_000; i += 1) {
    if (await holds()) return;
    await pause(5);
  }
  assert.unreachable(`it did not come to be that ${what}`);
};
