import { request as httpRequest } from 'node:http';
import type { Bus } from '@cordada/infra/bus/bus.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { openBus } from '@cordada/infra/bus/open-bus.ts';
import { forServices } from '@cordada/infra/config/services.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import * as assert from 'uvu/assert';
import { type Fleet, type FleetOptions, startFleet } from '../src/fleet.ts';
import { runningFleet } from './running-fleet.ts';

/** What the BFF answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever it expects to be there
  readonly json: any;
  header(name: string): string | undefined;
}

/** What a test of the API needs of the fleet that it runs against. */
export interface FleetUnderTest {
  /** Base addresses; of each service one. */
  readonly urls: Fleet['urls'];
  readonly bus: Pick<Bus, 'publish'>;
  stop(): Promise<void>;
}

/** A fleet, asked over HTTP as any client would. */
export interface ApiFleet<Under extends FleetUnderTest = Fleet> {
  readonly fleet: Under;
  /** @param body an object, or the text of a body as it is to be sent */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A campaign body that no other has been like. @param participants how many */
  campaign(participants: number, fields?: object): CampaignBody;
  /** Registers a campaign and waits for its end. */
  completed(body: CampaignBody): Promise<CompletedCampaign>;
}

export interface CampaignBody {
  readonly nombre: string;
  readonly presupuesto: string | number;
  readonly divisa: string;
  readonly marca_id: string;
  readonly participantes: readonly {
    readonly id: string;
    readonly tipo: 'afiliado' | 'influencer';
    readonly nombre: string;
    readonly informacion_perfil: string;
  }[];
}

export interface CompletedCampaign {
  readonly id: string;
  readonly saga: string;
  readonly partners: readonly { readonly id: string; readonly estado: string }[];
  readonly eventos: readonly { readonly id: string; readonly id_partner: string; readonly estado: string }[];
}

/**
 * A fleet in this process.
 * @param options on what it runs, where that is not the machine's clock and PGlite in memory and the memory bus
 */
export const startApiFleet = async ({
  place = { kind: 'memory' },
  runtime = systemRuntime(),
  env = {},
}: Partial<Pick<FleetOptions, 'place' | 'runtime'>> & {
  /** Settings of the fleet's own. */
  readonly env?: Readonly<Record<string, string>>;
} = {}): Promise<ApiFleet> => {
  const fleet = await startFleet({
    settings: readSettings({ LOG_LEVEL: 'silent', RATE_LIMIT: '1000000', ...env }, { AUTH: 'demo' }),
    place,
    runtime,
    ports: 'free',
    readable: false,
  });
  return apiOf(fleet, [fleet.urls.bff]);
};

/** Whether `apiUnderTest` answers a fleet in this process; a test that reaches into it asks before. */
export const isEmbedded = runningFleet() === undefined;

/**
 * What black-box tests run against: the services that run already where `npm run test:distributed` has started them
 * (each call then goes to the next replica of the BFF), else a fleet in this process.
 */
export const apiUnderTest = async (): Promise<ApiFleet<FleetUnderTest>> => {
  const running = runningFleet();
  if (running === undefined) return startApiFleet();
  const { urls, settings } = running;
  const bus = await openBus({ settings: readSettings(settings), runtime: systemRuntime(), manifest });
  const first = forServices((name) => urls[name][0] ?? '');
  return apiOf({ urls: first, bus, stop: () => bus.close() }, urls.bff);
};

const apiOf = <Under extends FleetUnderTest>(fleet: Under, bffs: readonly string[]): ApiFleet<Under> => {
  const uuid = systemRuntime().uuid;
  let turn = 0;

  const call: ApiFleet['call'] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const base = new URL(bffs[turn % bffs.length] ?? '');
      turn += 1;
      const sent = httpRequest(
        {
          host: base.hostname,
          port: base.port,
          method,
          path,
          // A connection each, as curl does: on a later request of one, Node itself refuses a path in raw UTF-8.
          agent: false,
          headers: {
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('error', reject);
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const answered = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode ?? 0,
              text: answered,
              json: /^[[{]/.test(answered) ? JSON.parse(answered) : undefined,
              header: (name) => response.headers[name]?.toString(),
            });
          });
        },
      );
      sent.on('error', reject);
      // In bytes: Node would write the head in the encoding of a body that is text.
      sent.end(text === undefined ? undefined : Buffer.from(text));
    });

  const listed = async (path: string, field: string, id: string) =>
    (await call('GET', path)).json.filter((one: Record<string, unknown>) => one[field] === id);

  return {
    fleet,
    call,
    campaign: (participants, fields = {}) => ({
      nombre: `Campaña ${uuid()}`,
      presupuesto: '1500.50',
      divisa: 'COP',
      marca_id: `marca-${uuid()}`,
      participantes: Array.from({ length: participants }, (_, index) => ({
        id: uuid(),
        tipo: index % 2 === 0 ? ('influencer' as const) : ('afiliado' as const),
        nombre: `Participante ${index}`,
        informacion_perfil: '',
      })),
      ...fields,
    }),
    async completed(body) {
      const answer = await call('POST', '/registrar-campaign', body, { prefer: 'wait=60' });
      assert.is(answer.status, 200, answer.text);
      assert.is(answer.json.estado, 'COMPLETED', answer.text);
      const [{ id }] = await listed('/obtener-campaigns', 'marca_id', body.marca_id);
      return {
        id,
        saga: answer.json.id,
        partners: await listed('/obtener-partners', 'id_campaign', id),
        eventos: await listed('/obtener-eventos', 'id_campana', id),
      };
    },
  };
};

/** That an answer is a JSON:API error of this status and code; `source` says what it must be about. */
export const isRefused = (answer: Answer, status: number, code: string, source?: object): void => {
  assert.is(answer.status, status, answer.text);
  const [error] = answer.json.errors;
  assert.is(error.status, String(status));
  assert.is(error.code, code, answer.text);
  if (source !== undefined) assert.equal(error.source, source);
};
