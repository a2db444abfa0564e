import type { BusMessage } from '../../bus/bus.ts';
import type { Cancel, Runtime } from '../../runtime.ts';
import type { VirtualTime } from '../../testing/virtual-time.ts';
import { createLease, type LeaseSettings } from '../lease.ts';
import { MemoryDatabase, memoryStore } from '../memory-store.ts';
import { createRelay, type Relay } from '../relay.ts';
import type { NewOutboxRow } from '../store.ts';
import { silent, unmeasured } from './unobserved.ts';

/** One message as it reached the bus. */
export interface Sent {
  readonly by: string;
  readonly key: string;
  readonly label: string;
  /** Milliseconds of virtual time. */
  readonly at: number;
}

/** A process that writes to the outbox it shares with others, and may publish it. */
export interface TestReplica {
  readonly name: string;
  readonly relay: Relay;
  leads(): boolean;
  /** Commits one row. Resolves once that is answered. */
  write(key: string, label: string): Promise<void>;
  /** As SIGKILL does. */
  crash(): void;
  /** As SIGSTOP and SIGCONT do: the clock goes on, nothing else does; then all that waited happens at once. */
  freeze(): void;
  thaw(): void;
}

export interface ReplicasOptions {
  readonly world: VirtualTime;
  /** Whether replicas hear one another; else they look by themselves. */
  readonly hear: boolean;
  readonly lease?: Partial<LeaseSettings>;
}

/** Replicas on virtual time, over one outbox in memory and one bus that remembers what it was sent. */
export const testReplicas = ({ world, hear, lease: settings }: ReplicasOptions) => {
  const database = new MemoryDatabase();
  const sent: Sent[] = [];
  const hearing = new Map<string, { relay: Relay; look(): void }>();

  const start = (name: string): TestReplica => {
    const life = world.incarnation(name);
    let frozen: (() => void)[] | undefined;
    const thawed = async (): Promise<void> => {
      if (frozen) await new Promise<void>((resolve) => frozen?.push(resolve));
    };
    const runtime: Runtime = {
      ...life.runtime,
      after(ms, task): Cancel {
        let cancelled = false;
        const run = (): void => {
          if (cancelled) return;
          if (frozen) frozen.push(run);
          else task();
        };
        const cancel = life.runtime.after(ms, run);
        return () => {
          cancelled = true;
          cancel();
        };
      },
    };
    const client = new MemoryDatabase(async (point) => {
      await life.io(`db ${point}`, () => {});
      // What was sent takes its course; no transaction stays open, since there is but one at a time here.
      if (point === 'answer') await thawed();
    }, database);
    life.onCrash(() => {
      hearing.delete(name);
      client.abort();
    });
    const store = memoryStore(client);
    const lease = createLease({ store, runtime, log: silent, ...(settings && { settings }) });
    const others = (tell: (other: { relay: Relay; look(): void }) => void): void => {
      if (!hear) return;
      for (const [other, replica] of hearing)
        if (other !== name) life.runtime.after(1, () => hearing.has(other) && tell(replica));
    };
    const relay = createRelay({
      store,
      // A message is on its way once it is handed over, whatever becomes of who sent it.
      bus: {
        publish: async (messages: readonly BusMessage[]) => {
          const settled = await life.io('publish', () =>
            messages.map((message) => {
              sent.push({
                by: name,
                key: message.key,
                label: message.properties.idempotencykey as string,
                at: world.runtime.now(),
              });
              return { status: 'durable' } as const;
            }),
          );
          await thawed();
          return settled;
        },
      },
      service: 'partner',
      runtime,
      log: silent,
      metrics: unmeasured,
      replicas: {
        lease,
        written: () => others(({ relay: other }) => other.wake()),
        released: () => others(({ look }) => look()),
      },
    });
    hearing.set(name, { relay, look: lease.look });
    relay.start();
    return {
      name,
      relay,
      leads: lease.held,
      async write(key, label) {
        const row: NewOutboxRow = {
          topic: 'partner/PartnerRegistrado.v1',
          key,
          id: runtime.uuid(),
          props: { t: 0, v: '1.0#0000000000000000', k: label, s: 'a', p: '' },
          payload: Buffer.alloc(0),
        };
        const ticket = relay.announce([key]);
        const [seq = 0] = await store.transaction((tx) => store.enqueue(tx, [row]));
        ticket.committed([{ ...row, seq }]);
      },
      crash: life.crash,
      freeze() {
        frozen ??= [];
      },
      thaw() {
        const waiting = frozen ?? [];
        frozen = undefined;
        for (const task of waiting) task();
      },
    };
  };

  /** What is still in the outbox. */
  const left = (): Promise<number> =>
    memoryStore(database)
      .sweep(100_000, [])
      .then((rows) => rows.length);
  /** Labels of a key in the order in which they first reached the bus: what its consumers take effect of. */
  const effective = (key: string): string[] => [
    ...new Set(sent.filter((one) => one.key === key).map(({ label }) => label)),
  ];
  return { start, sent, left, effective };
};
