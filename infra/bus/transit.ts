import type { Runtime } from '../runtime.ts';

/** Lets a message of a stream arrive after `delayMs`, and not before those of its stream that left earlier. */
export type Transit<M> = (message: M, stream: string, delayMs: number) => void;

/** The way of messages to one queue. What has no delay, and nothing of its stream before it, arrives at once. */
export const transit = <M>(
  runtime: Pick<Runtime, 'now' | 'after'>,
  arrive: (message: M) => void,
): Transit<M> => {
  const streams = new Map<string, { readonly message: M; readonly due: number }[]>();

  const awaitFirst = (stream: string, travelling: { readonly message: M; readonly due: number }[]): void => {
    const first = travelling[0];
    if (!first) {
      streams.delete(stream);
      return;
    }
    runtime.after(Math.max(0, first.due - runtime.now()), () => {
      travelling.shift();
      arrive(first.message);
      awaitFirst(stream, travelling);
    });
  };

  return (message, stream, delayMs) => {
    const travelling = streams.get(stream);
    if (travelling) travelling.push({ message, due: runtime.now() + delayMs });
    else if (delayMs <= 0) arrive(message);
    else {
      const opened = [{ message, due: runtime.now() + delayMs }];
      streams.set(stream, opened);
      awaitFirst(stream, opened);
    }
  };
};
