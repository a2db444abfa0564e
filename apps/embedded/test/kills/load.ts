import type { SeededRandom } from '@cordada/infra/testing/seeded-random.ts';
import { type Deletions, noDeletions, sendDelete } from './deletions.ts';
import { send } from './send.ts';

/** What a client knows of a campaign that it asked for. */
export interface Asked {
  readonly key: string;
  readonly nombre: string;
  readonly marca: string;
  readonly participantes: readonly string[];
  /** Whether a rule of `prepare` refuses it. */
  readonly refused: boolean;
  /** `unknown`: the answer was lost, or it was a 503. */
  fate: 'unknown' | 'accepted';
  saga?: string;
  readonly deletions: Deletions;
}

const BRAND_WITHOUT_TRACKING = 'kills-without-tracking';
const SUSPENDED = 'kills-suspended';

const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

/** Sets the rules that refuse some of the sagas. */
export const prepare = async (base: string): Promise<void> => {
  for (const [path, body] of [
    [`/api/marcas/${BRAND_WITHOUT_TRACKING}/tracking`, { activo: false }],
    [`/api/participantes/${SUSPENDED}/suspension`, { suspendido: true }],
  ] as const) {
    const answer = await send(base + path, { method: 'PUT', ...json(body) });
    if (!answer.ok) throw new Error(`PUT ${path} answered ${answer.status}`);
  }
};

/** A campaign to ask for, of a name that no other has. */
export const draw = (random: SeededRandom, count: number): Asked => {
  const kind = random.pick(['good', 'good', 'good', 'tracking', 'suspended'] as const);
  const participantes = Array.from({ length: random.below(5) }, (_, i) => `p-${i}`);
  if (kind === 'suspended') participantes.push(SUSPENDED);
  return {
    key: `kill-${count}`,
    nombre: `campaña ${count}`,
    marca: kind === 'tracking' ? BRAND_WITHOUT_TRACKING : 'kills',
    participantes,
    refused: kind === 'suspended' || (kind === 'tracking' && participantes.length > 0),
    fate: 'unknown',
    deletions: noDeletions(),
  };
};

/** Asks for a campaign; repeating it with its key makes no second one. @returns whether there was an answer that counts */
export const ask = async (base: string, asked: Asked): Promise<boolean> => {
  try {
    const answer = await send(`${base}/registrar-campaign`, {
      method: 'POST',
      ...json(
        {
          nombre: asked.nombre,
          presupuesto: '10.50',
          divisa: 'COP',
          marca_id: asked.marca,
          participantes: asked.participantes.map((id) => ({
            id,
            tipo: 'afiliado',
            nombre: id,
            informacion_perfil: '',
          })),
        },
        { 'idempotency-key': asked.key },
      ),
    });
    const body = (await answer.json()) as { id?: string };
    if (answer.status === 202) {
      asked.fate = 'accepted';
      if (body.id !== undefined) asked.saga = body.id;
      return true;
    }
    if (answer.status === 503 || answer.status === 409) return false;
    throw new Refused(`POST /registrar-campaign answered ${answer.status}: ${JSON.stringify(body)}`);
  } catch (error) {
    if (error instanceof Refused) throw error;
    return false; // the process died before it answered
  }
};

/** An answer that no load should get. */
class Refused extends Error {}

/** Asks for the undoing of a campaign whose saga has completed. */
export const undo = async (base: string, asked: Asked): Promise<void> => {
  try {
    const saga = await send(`${base}/api/sagas/campaign/${asked.saga}`, {});
    const { estado } = (await saga.json()) as { estado?: string };
    if (estado !== 'COMPLETED') return;
    const found = await send(`${base}/obtener-campaigns`, {});
    const campaigns = (await found.json()) as { id: string; nombre: string }[];
    const campaign = campaigns.find(({ nombre }) => nombre === asked.nombre);
    if (campaign) await sendDelete(`${base}/api/campaigns/${campaign.id}`, asked.deletions);
  } catch {
    // the process died before it answered
  }
};
