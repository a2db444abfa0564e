/**
 * A process of its own that answers reads: consultas, as a lone service runs it, or what it is measured against. Over
 * its channel it is told what to open, says on which port that listens, and then as often as it is asked what CPU it took.
 */
import type { AddressInfo } from 'node:net';
import { build } from '@cordada/consultas/service.ts';
import { manifest } from '@cordada/infra/bus/manifest.ts';
import { memoryBus } from '@cordada/infra/bus/memory.ts';
import { forNeighbours } from '@cordada/infra/config/services.ts';
import { readSettings } from '@cordada/infra/config/settings.ts';
import { networkFetch } from '@cordada/infra/http/network-fetch.ts';
import type { Server } from '@cordada/infra/http/server.ts';
import { trustOf } from '@cordada/infra/service/trust.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { createLogger } from '@cordada/infra/telemetry/logger.ts';
import { createRegistry } from '@cordada/infra/telemetry/metrics.ts';
import { type FastifyInstance, fastify } from 'fastify';

/** What is opened. */
export type Opening =
  | {
      /** A route `/constant` that answers this text. */
      readonly constant: string;
    }
  | {
      /** The least that keeps items, and where it reads what it does not keep. */
      readonly plain: string;
    }
  | {
      /** Where consultas reads what it does not keep. */
      readonly consolidador: string;
      readonly secret: string;
      readonly redisUrl?: string;
    };

/** `cpu`: how many microseconds of it the process has taken. */
export type Asked = Opening | 'cpu';
/** The port, else what was asked for. */
export type Told = number;

const JSON_TYPE = 'application/json; charset=utf-8';

const openBare = (constant: string): FastifyInstance =>
  fastify().get('/constant', (_request, reply) => reply.type(JSON_TYPE).send(constant));

/** Without tokens, traces, metrics, checks, news, or an end to what is kept. */
const openPlain = (source: string): FastifyInstance => {
  const kept = new Map<string, string>();
  const get = networkFetch();
  const read = async (path: string): Promise<string> => {
    const answer = await get(source + path, {
      method: 'GET',
      headers: {},
      signal: new AbortController().signal,
    });
    const text = await answer.text();
    kept.set(path, text);
    return text;
  };
  return fastify().get('/items/:id', ({ url }, reply) => {
    reply.type(JSON_TYPE);
    const text = kept.get(url);
    return text === undefined ? read(url) : reply.header('x-cache', 'HIT').send(text);
  });
};

const openConsultas = async (opening: Extract<Opening, { consolidador: string }>): Promise<Server> => {
  const runtime = systemRuntime();
  const settings = readSettings(
    { LOG_LEVEL: 'error', ...(opening.redisUrl && { REDIS_URL: opening.redisUrl }) },
    { AUTH: 'demo' },
  );
  const service = await build({
    runtime,
    bus: memoryBus({ runtime, manifest }),
    log: createLogger({ name: 'consultas', level: 'error', readable: false, now: () => runtime.now() }),
    registry: createRegistry('consultas'),
    security: trustOf(settings, opening.secret, runtime),
    settings,
    fetch: networkFetch(),
    urls: forNeighbours(() => [opening.consolidador]),
  });
  await service.start();
  return service.app;
};

process.on('message', async (asked: Asked) => {
  const tell = (told: Told): void => void process.send?.(told);
  if (asked === 'cpu') {
    const { user, system } = process.cpuUsage();
    tell(user + system);
  } else {
    const app =
      'constant' in asked
        ? openBare(asked.constant)
        : 'plain' in asked
          ? openPlain(asked.plain)
          : await openConsultas(asked);
    await app.listen({ host: '127.0.0.1', port: 0 });
    tell((app.server.address() as AddressInfo).port);
  }
});
process.on('disconnect', () => process.exit());
