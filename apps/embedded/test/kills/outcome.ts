import { setTimeout as wait } from 'node:timers/promises';
import { mayBeDeleted } from './deletions.ts';
import { grouped } from './grouped.ts';
import type { Asked } from './load.ts';

const PATIENCE_MS = 150_000;
/** What a restart under load holds up may be drained later than the last saga ends. */
const DRAIN_MS = 10_000;

/** The brand of campaigns that are asked for and not read back. */
export const OTHERS = 'not-read-back';

interface Campaign {
  readonly id: string;
  readonly marca_id: string;
  readonly nombre: string;
  readonly estado: string;
}
interface Partner {
  readonly id: string;
  readonly id_campaign: string;
  readonly estado: string;
}
interface Evento {
  readonly id: string;
  readonly id_partner: string;
  readonly estado: string;
}

const read = async <Body>(url: string): Promise<Body> => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`GET ${url} answered ${answer.status}`);
  return (await answer.json()) as Body;
};

export interface OutcomeOptions {
  /** How long sagas have to end, in milliseconds. */
  readonly patienceMs?: number;
  /** Sagas of which an alert was given: they may be PARKED. */
  readonly alerted?: ReadonlySet<string>;
}

/** Waits until every saga has ended. @returns those that have not, with their state */
const unended = async (
  base: string,
  { patienceMs = PATIENCE_MS, alerted = new Set() }: OutcomeOptions,
): Promise<string[]> => {
  const until = Date.now() + patienceMs;
  for (;;) {
    const left: string[] = [];
    for (const estado of ['RUNNING', 'COMPENSATING', 'PARKED']) {
      const { sagas } = await read<{ sagas: { id: string }[] }>(
        `${base}/api/sagas?estado=${estado}&limit=500`,
      );
      const open = estado === 'PARKED' ? sagas.filter(({ id }) => !alerted.has(id)) : sagas;
      left.push(...open.map(({ id }) => `${id} is ${estado}`));
    }
    if (left.length === 0 || Date.now() > until) return left;
    await wait(200);
  }
};

const metric = (text: string, name: string): number =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

const leftBehind = async (services: readonly string[]): Promise<string[]> => {
  const until = Date.now() + DRAIN_MS;
  for (;;) {
    const left: string[] = [];
    for (const url of services) {
      const text = await (await fetch(`${url}/metrics`)).text();
      for (const name of ['outbox_pending', 'held_messages', 'outbox_parked_keys'])
        if (metric(text, name) !== 0) left.push(`${url} has ${name} ${metric(text, name)}`);
    }
    if (left.length === 0 || Date.now() > until) return left;
    await wait(100);
  }
};

/** All that sagas of a campaign of this name tell of themselves, as JSON: why it was undone stands there. */
const storyOf = async (base: string, nombre: string): Promise<string> => {
  const { sagas } = await read<{ sagas: { id: string }[] }>(
    `${base}/api/sagas?tipo=campaign&clave=${encodeURIComponent(nombre)}`,
  );
  return JSON.stringify(await Promise.all(sagas.map(({ id }) => read(`${base}/api/sagas/campaign/${id}`))));
};

/**
 * Reads every service back and compares it with what the client was told.
 * @param base of the BFF @param services the others' base addresses
 * @returns what does not hold, a line each
 */
export const faultsOf = async (
  base: string,
  services: readonly string[],
  asked: readonly Asked[],
  options: OutcomeOptions = {},
): Promise<string[]> => {
  const faults = [...(await unended(base, options)), ...(await leftBehind(services))];
  const campaigns = await read<Campaign[]>(`${base}/obtener-campaigns`);
  const partners = await read<Partner[]>(`${base}/obtener-partners`);
  const eventos = await read<Evento[]>(`${base}/obtener-eventos`);
  const partnersOf = grouped(partners, ({ id_campaign }) => id_campaign);
  const eventosOf = grouped(eventos, ({ id_partner }) => id_partner);
  const byName = grouped(campaigns, ({ nombre }) => nombre);
  const known = new Set(asked.map(({ nombre }) => nombre));
  const ours = campaigns.filter(({ marca_id }) => marca_id !== OTHERS);
  for (const { nombre } of ours) if (!known.has(nombre)) faults.push(`nobody asked for ${nombre}`);

  for (const one of asked) {
    const made = byName.get(one.nombre) ?? [];
    if (made.length > 1) {
      faults.push(`${one.nombre} was made ${made.length} times`);
      continue;
    }
    // Where it stands is the operator's to say now.
    if (one.saga !== undefined && options.alerted?.has(one.saga)) continue;
    const [campaign] = made;
    if (!campaign) {
      if (one.fate === 'accepted') faults.push(`${one.nombre} was accepted and is lost`);
      continue;
    }
    const ofIt = partnersOf.get(campaign.id) ?? [];
    const live = ofIt.filter(({ estado }) => estado === 'REGISTRADO').length;
    const liveEventos = ofIt
      .flatMap(({ id }) => eventosOf.get(id) ?? [])
      .filter(({ estado }) => estado === 'REGISTRADO').length;
    const wanted = one.participantes.length;
    const whole = campaign.estado === 'APROBADA' && live === wanted && liveEventos === wanted;
    const nothing = campaign.estado === 'CANCELADA' && live === 0 && liveEventos === 0;
    const told = `${one.nombre} is ${campaign.estado} with ${live} partners and ${liveEventos} eventos of ${wanted}`;
    if (ofIt.length > wanted) faults.push(`${told}: ${ofIt.length} partners were made`);
    if (!whole && !nothing) faults.push(`${told}: neither whole nor undone`);
    else if (one.refused && whole) faults.push(`${told}, though it had to be refused`);
    else if (one.deletions.promised && whole) faults.push(`${told}, though it was deleted`);
    else if (nothing && !one.refused && !mayBeDeleted(one.deletions))
      faults.push(
        `${told}, though nothing stood against it: ${await storyOf(base, one.nombre).catch(String)}`,
      );
  }
  return faults;
};
