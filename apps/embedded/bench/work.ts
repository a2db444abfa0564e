import { type LoadResult, type Run, summed } from './closed-loop.ts';

/** Items that purchases and stock commands are spread over. */
export const ITEMS = 1_000;

/** What is measured, each kind by itself. */
export const works = {
  campaign: { saga: 'campaign', title: 'campaign', messages: 7 },
  campaignRefused: { saga: 'campaign', title: 'campaign, 10 % refused' },
  compra: { saga: 'compra', title: `compra of ${ITEMS} items`, messages: 11 },
  compraHot: { saga: 'compra', title: 'compra of one item', messages: 11 },
  ajuste: { saga: 'compra', title: 'stock command', messages: 2 },
} as const satisfies Record<
  string,
  {
    /** The option that it belongs to. */
    readonly saga: 'campaign' | 'compra';
    readonly title: string;
    /** How many messages it publishes, the one that begins it included; where all of it goes the same way. */
    readonly messages?: number;
  }
>;
export type WorkName = keyof typeof works;

/** Does a work `count` times, `inFlight` at a time. */
export type DoWork = (count: number, inFlight: number) => Promise<Run>;

/** What works are measured on. */
export interface System {
  readonly name: string;
  readonly work: Readonly<Record<WorkName, DoWork>>;
  /** @throws Error where what was bought has not left the stock, once, or anything else has */
  checkStock(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Has each do the same load, in turns: what else the machine does meanwhile falls on all of them alike.
 * @returns in the order of `contenders`
 */
export const contest = async (
  contenders: readonly ((count: number) => Promise<Run>)[],
  count: number,
  rounds: number,
): Promise<LoadResult[]> => {
  const runs = contenders.map((): Run[] => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [i, run] of contenders.entries()) runs[i]?.push(await run(Math.ceil(count / rounds)));
  return runs.map(summed);
};
