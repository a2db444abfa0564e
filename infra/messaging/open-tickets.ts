/**
 * Transactions that may still draw seqs, by the keys of what they write. Tickets are numbered as they are opened: what is
 * read under one may stand after what the older ones are about to write.
 */
export class OpenTickets {
  #newest = 0;
  /** By key, the oldest first. */
  readonly #open = new Map<string, number[]>();

  /** The number of the newest one. */
  get newest(): number {
    return this.#newest;
  }

  open(keys: ReadonlySet<string>): number {
    this.#newest += 1;
    for (const key of keys) {
      const open = this.#open.get(key);
      if (open) open.push(this.#newest);
      else this.#open.set(key, [this.#newest]);
    }
    return this.#newest;
  }

  close(ticket: number, keys: ReadonlySet<string>): void {
    for (const key of keys) {
      const left = (this.#open.get(key) ?? []).filter((open) => open !== ticket);
      if (left.length > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    }
  }

  /** Whether all of `key` up to `ticket` are closed. */
  closedUpTo(key: string, ticket: number): boolean {
    const oldest = this.#open.get(key)?.[0];
    return oldest === undefined || oldest > ticket;
  }
}
