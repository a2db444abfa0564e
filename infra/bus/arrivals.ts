/** One of a list of arrivals: it is in the list until it is removed. */
export interface Arrival<T> {
  readonly value: T;
  earlier: Arrival<T> | undefined;
  later: Arrival<T> | undefined;
}

/**
 * What has arrived and is not done with, in its order, each removed in its own time.
 *
 * Why no Set: where one turns over, each of its tables points to the next, so that once one of them is old, whatever
 * passes through the Set outlives the young generation (six times the work for the collector). A removed arrival points
 * to nothing.
 */
export class Arrivals<T> {
  #first: Arrival<T> | undefined;
  #last: Arrival<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What has waited longest. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  add(value: T): Arrival<T> {
    const arrival: Arrival<T> = { value, earlier: this.#last, later: undefined };
    if (this.#last) this.#last.later = arrival;
    else this.#first = arrival;
    this.#last = arrival;
    this.#size += 1;
    return arrival;
  }

  /** @param arrival one that is in this list */
  remove(arrival: Arrival<T>): void {
    const { earlier, later } = arrival;
    if (earlier) earlier.later = later;
    else this.#first = later;
    if (later) later.earlier = earlier;
    else this.#last = earlier;
    arrival.earlier = undefined;
    arrival.later = undefined;
    this.#size -= 1;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let arrival = this.#first; arrival; arrival = arrival.later) yield arrival.value;
  }
}
