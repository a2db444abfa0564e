import type { Runtime } from '../runtime.ts';

/** Calls `arrive` after `delayMs`, and not before what left earlier on the same stream has arrived. */
export type Transit = (stream: string, delayMs: number, arrive: () => void) => void;

interface Traveller {
  readonly due: number;
  arrive(): void;
}

/** The way of messages to one queue. What has no delay, and nothing of its stream before it, arrives at once. */
export const transit = (runtime: Pick<Runtime, 'now' | 'after'>): Transit => {
  const streams = new Map<string, Traveller[]>();

  const awaitFirst = (stream: string, travelling: Traveller[]): void => {
    const first = travelling[0];
    if (!first) {
      streams.delete(stream);
      return;
    }
    runtime.after(Math.max(0, first.due - runtime.now()), () => {
      travelling.shift();
      first.arrive();
      awaitFirst(stream, travelling);
    });
  };

  return (stream, delayMs, arrive) => {
    const traveller = { due: runtime.now() + delayMs, arrive };
    const travelling = streams.get(stream);
    if (travelling) travelling.push(traveller);
    else if (delayMs <= 0) arrive();
    else {
      const opened = [traveller];
      streams.set(stream, opened);
      awaitFirst(stream, opened);
    }
  };
};
