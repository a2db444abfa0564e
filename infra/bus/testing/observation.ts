import { randomUUID } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { BusMessage, Delivery, Settled, SubscribeOptions } from '../bus.ts';
import { defineManifest, type Manifest } from '../manifest.ts';

/** How long a transport may take for what it has to do, in milliseconds. */
export const PATIENCE_MS = 60_000;

/** A payload that a test wrote as text. */
export const text = (payload: Uint8Array): string => Buffer.from(payload).toString('utf8');

/** Waits until something holds, and fails with its name when it does not. */
export const eventually = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) assert.unreachable(`${what}: not within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** A door that a handler waits at until the test opens it. */
export const door = (): { readonly opened: Promise<void>; open(): void } => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
};

export const statuses = (outcomes: readonly Settled[]): string[] => outcomes.map(({ status }) => status);

/** Two topics that `both` has, of which `second` has the one; a third that nobody has. */
export class Layout {
  readonly first: string;
  readonly other: string;
  readonly unheard: string;
  readonly both: string;
  readonly second: string;
  readonly manifest: Manifest;

  constructor() {
    const unique = randomUUID().replaceAll('-', '');
    const contracts = ['First', 'Other', 'Unheard'].map((name) => ({
      name: `${name}${unique}`,
      owner: 'conformance',
      topic: `conformance/${name}${unique}.v1`,
    }));
    [this.first, this.other, this.unheard] = contracts.map(({ topic }) => topic) as [string, string, string];
    this.both = `both.${unique}`;
    this.second = `second.${unique}`;
    this.manifest = defineManifest(contracts, [
      { name: this.both, service: 'conformance', topics: [this.first, this.other] },
      { name: this.second, service: 'conformance', topics: [this.other] },
    ]);
  }

  message(topic: string, key: string, payload: string): BusMessage {
    return {
      topic,
      key,
      properties: { 'ce-id': randomUUID(), correlationid: key },
      payload: Buffer.from(payload),
    };
  }

  options(mode: SubscribeOptions['mode'] = 'shared-by-key', maxBatch = 10): SubscribeOptions {
    return { topics: [this.first, this.other], subscription: this.both, mode, maxBatch };
  }
}

/** Records what handlers are given, and which batches are under way at once. */
export class Recorder {
  readonly handled: Delivery[] = [];
  readonly batchSizes: number[] = [];
  readonly violations: string[] = [];
  readonly #underWay = new Set<readonly Delivery[]>();
  readonly #mostUnderWay: number;

  /** @param mostUnderWay batches that all recorded handlers together may have at once */
  constructor(mostUnderWay = 2) {
    this.#mostUnderWay = mostUnderWay;
  }

  /** A handler that records, does `work`, and counts its batch as handled once that has resolved. */
  handler(work: (batch: readonly Delivery[]) => Promise<void> = async () => {}) {
    return async (batch: readonly Delivery[]): Promise<void> => {
      const busy = new Set([...this.#underWay].flatMap((other) => other.map(({ key }) => key)));
      const shared = batch.find(({ key }) => busy.has(key));
      if (shared) this.violations.push(`the key ${shared.key} is in two batches`);
      this.#underWay.add(batch);
      if (this.#underWay.size > this.#mostUnderWay)
        this.violations.push(`${this.#underWay.size} batches under way`);
      this.batchSizes.push(batch.length);
      try {
        await work(batch);
        this.handled.push(...batch);
      } finally {
        this.#underWay.delete(batch);
      }
    };
  }

  /** Payloads of one key in the order in which they were first handled, all topics or one. */
  payloads(key: string, topic?: string): string[] {
    const ofKey = this.handled.filter((d) => d.key === key && (topic === undefined || d.topic === topic));
    return [...new Set(ofKey.map(({ payload }) => text(payload)))];
  }
}
