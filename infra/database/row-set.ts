/** The rows that a batch read, and what it changed of them in memory, to be written set-based at its end. */
export class RowSet<Row extends { readonly id: string }> {
  readonly #rows = new Map<string, Row>();
  readonly #inserted = new Set<string>();
  readonly #updated = new Set<string>();

  constructor(loaded: Iterable<Row> = []) {
    for (const row of loaded) this.#rows.set(row.id, row);
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** The first row, changes included, for which `matches` holds. */
  find(matches: (row: Row) => boolean): Row | undefined {
    for (const row of this.#rows.values()) if (matches(row)) return row;
    return undefined;
  }

  filter(matches: (row: Row) => boolean): Row[] {
    return [...this.#rows.values()].filter(matches);
  }

  insert(row: Row): void {
    if (this.#rows.has(row.id)) throw new Error(`row ${row.id} exists already`);
    this.#rows.set(row.id, row);
    this.#inserted.add(row.id);
  }

  update(row: Row): void {
    if (!this.#rows.has(row.id)) throw new Error(`row ${row.id} was not loaded`);
    this.#rows.set(row.id, row);
    if (!this.#inserted.has(row.id)) this.#updated.add(row.id);
  }

  /** Rows to insert, in id order, so that concurrent batches take their locks in one order. */
  get inserted(): Row[] {
    return this.#take(this.#inserted);
  }

  /** Rows to update, in id order. */
  get updated(): Row[] {
    return this.#take(this.#updated);
  }

  #take(ids: Set<string>): Row[] {
    return [...ids].sort().map((id) => this.#rows.get(id) as Row);
  }
}
