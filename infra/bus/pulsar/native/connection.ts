import type { Cancel, Runtime } from '../../../runtime.ts';

/** How often connections are looked at, in milliseconds: the client tells of none that is lost. */
const WATCH_MS = 500;

/**
 * How long a producer, consumer or reader may be without a connection before another one takes its place, in
 * milliseconds. The client reconnects by itself, but waits up to a minute between attempts when a broker was away long.
 */
const LOST_AFTER_MS = 3_000;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3_000;

/** How long to wait before the next attempt, in milliseconds. @param failures in a row, from 1 */
export const pauseMs = (failures: number): number =>
  Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));

/** Calls `lost`, once, when `link` has been without a connection for too long. */
export const watchConnection = (
  link: { isConnected(): boolean },
  runtime: Pick<Runtime, 'now' | 'after'>,
  lost: () => void,
): Cancel => {
  let away: number | undefined;
  let cancel: Cancel = () => {};
  const look = (): void => {
    if (link.isConnected()) away = undefined;
    else {
      away ??= runtime.now();
      if (runtime.now() - away >= LOST_AFTER_MS) return lost();
    }
    cancel = runtime.after(WATCH_MS, look);
  };
  look();
  return () => cancel();
};

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
