import type { BffClient } from './bff-client.ts';
import { type Check, check, inWords, within } from './saga-view.ts';
import type { CampaignRequest, Expected, Left } from './scenario.ts';

type Resource = Readonly<Record<string, unknown>> & { readonly id: string; readonly estado: string };

/**
 * Reads back what a campaign left in each service, lists first and then one by one, and compares it with what was
 * asked for and with what a scenario expects to be left of it.
 * @throws BffUnreachable when nothing answers
 */
export const checkLeft = async (
  request: CampaignRequest,
  expected: Expected,
  bff: BffClient,
): Promise<Check[]> => {
  const campaigns = await list(bff, '/campaña-query', (one) => one.marca_id === request.marca_id);
  const [campaign] = campaigns;
  const checks = [
    check(
      `campaign: one of that name and brand, ${expected.campaign}`,
      campaigns.length === 1 && campaign?.nombre === request.nombre && campaign.estado === expected.campaign,
      () => states(campaigns),
    ),
  ];
  if (campaign === undefined) return checks;
  const { text } = await bff.send('GET', `/campaña-query/${campaign.id}`);
  checks.push(
    check(
      `campaign: its budget kept every digit, ${request.presupuesto}`,
      text.replace(/\s/g, '').includes(`"presupuesto":${request.presupuesto}`),
      () => /"presupuesto"[^,]*/.exec(text)?.[0] ?? text.slice(0, 100),
    ),
  );
  const partners = await list(bff, '/obtener-partners', (one) => one.id_campaign === campaign.id);
  const eventos = await list(bff, '/obtener-eventos', (one) => one.id_campana === campaign.id);
  const asked = new Set(request.participantes.map(({ nombre }) => nombre));
  checks.push(
    checkAll('partner', expected.partners, partners),
    check(
      'partner: each is another participant of the campaign',
      partners.every(({ nombre }) => asked.delete(String(nombre))),
      () => partners.map(({ nombre }) => nombre).join(', '),
    ),
    checkAll('tracking', expected.eventos, eventos),
    check(
      'tracking: each evento belongs to another of those partners',
      new Set(eventos.map(({ id_partner }) => id_partner)).size === eventos.length &&
        eventos.every(({ id_partner }) => partners.some(({ id }) => id === id_partner)),
      () => JSON.stringify(eventos),
    ),
    await checkOneByOne(bff, [
      ...campaigns.map((one) => [`/obtener-campaigns/${one.id}`, one] as const),
      ...partners.map((one) => [`/obtener-partners/${one.id}`, one] as const),
      ...eventos.map((one) => [`/obtener-eventos/${one.id}`, one] as const),
    ]),
  );
  return checks;
};

const list = async (bff: BffClient, path: string, mine: (one: Resource) => boolean): Promise<Resource[]> => {
  const { json } = await bff.send('GET', path);
  return Array.isArray(json) ? (json as Resource[]).filter(mine) : [];
};

const checkAll = (service: string, left: Left, found: readonly Resource[]): Check =>
  check(
    `${service}: ${inWords(left.count)} left, ${left.count === 0 ? 'nothing to undo' : `all of them ${left.estado}`}`,
    within(left.count, found.length) && found.every(({ estado }) => estado === left.estado),
    () => states(found),
  );

const checkOneByOne = async (
  bff: BffClient,
  found: readonly (readonly [string, Resource])[],
): Promise<Check> => {
  const different: string[] = [];
  for (const [path, listed] of found) {
    const { status, json } = await bff.send('GET', path);
    const { estado } = (json ?? {}) as Partial<Resource>;
    if (status !== 200 || estado !== listed.estado) different.push(`${path}: ${status} ${estado}`);
  }
  return check('each of them reads the same by its own id', different.length === 0, () =>
    different.join(', '),
  );
};

const states = (found: readonly Resource[]): string =>
  found.length === 0 ? 'none' : found.map(({ estado }) => estado).join(', ');
