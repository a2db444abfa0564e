/** A commit reports a failed write; nobody awaits these by themselves. */
export const sent = (write: Promise<unknown>): void => void write.catch(() => undefined);
