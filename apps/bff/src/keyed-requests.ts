import type { Caller } from '@cordada/infra/http/access.ts';
import { requestId, stillUnderWay } from '@cordada/infra/http/idempotency.ts';

/**
 * The id of what a caller asks for under a key. Who holds a key is another caller than anyone of the demo, whatever the
 * key's holder is called.
 * @param route what the aliases of a route have in common
 */
export const idOf = ({ kind, name }: Caller, route: string, key: string): string =>
  requestId(`${kind}:${name}`, route, key);

/** Requests that this process is carrying out, by the ids of their keys. */
export class UnderWay {
  readonly #ids = new Set<string>();

  /** Runs `work`. @throws HttpError 409 while another one of this id runs */
  async alone<R>(id: string, work: () => Promise<R>): Promise<R> {
    if (this.#ids.has(id)) throw stillUnderWay();
    this.#ids.add(id);
    try {
      return await work();
    } finally {
      this.#ids.delete(id);
    }
  }
}
