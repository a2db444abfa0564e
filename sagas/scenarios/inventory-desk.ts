import type { Answer } from './bff-client.ts';
import { expectStatus, poll, type ScenarioOptions, ScenarioStopped } from './play.ts';
import { type Check, check } from './saga-view.ts';

const ITEMS = '/api/v1/inventory/items';
const longest = { prefer: 'wait=60' };

/** What there is of an item, and whether the answer was kept. */
export interface Stock {
  readonly text: string;
  readonly kept: string;
}

/** The inventory of systems.md §3, as scenarios ask it. */
export const inventoryDesk = (options: ScenarioOptions) => {
  const { bff } = options;
  const stock = async (ref: string): Promise<Stock> => {
    const answer = await bff.send('GET', `${ITEMS}/${ref}/stock`);
    expectStatus(answer, 200);
    const { quantity, reserved, available } = answer.json as Record<string, number>;
    return { text: `${quantity} ${reserved} ${available}`, kept: answer.headers.get('x-cache') ?? '' };
  };
  return {
    stock,
    send: (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
      bff.send(method, `${ITEMS}${path}`, body, headers),
    /** A command whose outcome is waited for. */
    done: async (method: string, path: string, body: object, ...statuses: number[]): Promise<Answer> => {
      const answer = await bff.send(method, `${ITEMS}${path}`, body, longest);
      expectStatus(answer, ...statuses);
      return answer;
    },
    /** An item that nobody has used before. */
    item: async (quantity: number): Promise<{ readonly id: string; readonly sku: string }> => {
      const sku = `SKU-${options.uuid()}`;
      const body = { sku, name: `Producto ${sku}`, description: 'de un escenario', quantity };
      const answer = await bff.send('POST', ITEMS, body, longest);
      expectStatus(answer, 201);
      return { id: (answer.json as { id: string }).id, sku };
    },
    /** The outcome of an accepted command, once it is known. */
    outcome: async (accepted: Answer): Promise<string> => {
      expectStatus(accepted, 202);
      const location = accepted.headers.get('location') ?? '';
      const ended = await poll(options, async () => {
        const { status, json } = await bff.send('GET', location);
        const { estado = 'PENDING' } = (json ?? {}) as { estado?: string };
        return status === 200 && estado !== 'PENDING' ? estado : undefined;
      });
      if (ended === undefined) throw new ScenarioStopped(`${location} is still PENDING`);
      return ended;
    },
    /** That the stock is seen to be so: reads follow the commands, a little later. */
    becomes: async (says: string, ref: string, expected: string): Promise<Check> => {
      let last = '';
      const seen = await poll(options, async () => {
        last = (await stock(ref)).text;
        return last === expected ? last : undefined;
      });
      return check(says, seen !== undefined, () => last);
    },
  };
};
