import { setTimeout as wait } from 'node:timers/promises';
import type { Asked } from './load.ts';

const PATIENCE_MS = 150_000;

interface Campaign {
  readonly id: string;
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

/** Waits until every saga has ended. @returns those that have not, with their state */
const unended = async (base: string): Promise<string[]> => {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const left: string[] = [];
    for (const estado of ['RUNNING', 'COMPENSATING', 'PARKED']) {
      const { sagas } = await read<{ sagas: { id: string }[] }>(
        `${base}/api/sagas?estado=${estado}&limit=500`,
      );
      left.push(...sagas.map(({ id }) => `${id} is ${estado}`));
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
  const until = Date.now() + 10_000;
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

/**
 * Reads every service back and compares it with what the client was told.
 * @param base of the BFF @param services the others' base addresses
 * @returns what does not hold, a line each
 */
export const faultsOf = async (
  base: string,
  services: readonly string[],
  asked: readonly Asked[],
): Promise<string[]> => {
  const faults = [...(await unended(base)), ...(await leftBehind(services))];
  const campaigns = await read<Campaign[]>(`${base}/obtener-campaigns`);
  const partners = await read<Partner[]>(`${base}/obtener-partners`);
  const eventos = await read<Evento[]>(`${base}/obtener-eventos`);
  const partnersOf = grouped(partners, ({ id_campaign }) => id_campaign);
  const eventosOf = grouped(eventos, ({ id_partner }) => id_partner);
  const byName = grouped(campaigns, ({ nombre }) => nombre);
  const known = new Set(asked.map(({ nombre }) => nombre));
  for (const { nombre } of campaigns) if (!known.has(nombre)) faults.push(`nobody asked for ${nombre}`);

  for (const one of asked) {
    const made = byName.get(one.nombre) ?? [];
    if (made.length > 1) {
      faults.push(`${one.nombre} was made ${made.length} times`);
      continue;
    }
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
    else if (one.deleted && whole) faults.push(`${told}, though it was deleted`);
    else if (nothing && !one.refused && !one.deleted && !one.deletionUnknown)
      faults.push(`${told}, though nothing stood against it`);
  }
  return faults;
};

const grouped = <T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return groups;
};
