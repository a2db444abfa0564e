import {
  forServices,
  localUrls,
  neighbourNames,
  type ServiceName,
  serviceNames,
  urlsSetting,
} from '@cordada/infra/config/services.ts';
import type { Fetch } from '@cordada/infra/http/service-client.ts';
import { type Runtime, sleep } from '@cordada/infra/runtime.ts';
import { type SupervisedProcess, supervise } from './supervised-process.ts';

/** One replica of one service, as a process of its own. */
export interface ServiceProcess extends SupervisedProcess {
  readonly service: ServiceName;
  readonly replica: number;
  /** Where it listens. */
  readonly url: string;
}

export interface ServiceProcesses {
  readonly all: readonly ServiceProcess[];
  /** Base addresses of the replicas of each service. */
  readonly urls: Readonly<Record<ServiceName, readonly string[]>>;
  /** Resolves once every replica accepts work. Rejects when `signal` aborts. */
  ready(signal: AbortSignal): Promise<void>;
  /** Drains them: those that call first, then those that are called. */
  stop(): Promise<void>;
}

export interface ServiceProcessesOptions {
  readonly host: string;
  readonly portBase: number;
  /** Replicas of each service. */
  readonly replicas: number;
  /** What every process gets; what makes them one installation is added here. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly fetch: Fetch;
  /** A line of the output of one of them, or about it. */
  line(who: string, text: string): void;
}

const pollMs = 200;
const patienceMs = 3_000;

/** Starts every service as processes of their own, and starts again what dies. */
export const startServiceProcesses = (options: ServiceProcessesOptions): ServiceProcesses => {
  const { host, portBase, replicas, runtime } = options;
  const place = { HOST: host, PORT_BASE: portBase };
  const urls = forServices((service) => localUrls(place, service, replicas));
  const env = {
    ...options.env,
    HOST: host,
    PORT_BASE: String(portBase),
    PORT: undefined,
    ...Object.fromEntries(neighbourNames.map((service) => [urlsSetting(service), urls[service].join(',')])),
  };

  const start = (service: ServiceName, replica: number): ServiceProcess => {
    const who = replicas === 1 ? service : `${service}-${replica}`;
    const running = supervise({
      program: [`apps/${service}/src/main.ts`],
      env: { ...env, REPLICA: String(replica) },
      runtime,
      line: (text) => options.line(who, text),
      died: (how, ms) => options.line(who, `✘ ${how}; it is started again in ${ms / 1000} s`),
    });
    return { ...running, service, replica, url: urls[service][replica] ?? '' };
  };
  const all = Array.from({ length: replicas }, (_, replica) =>
    serviceNames.map((service) => start(service, replica)),
  ).flat();

  const isReady = async ({ url }: ServiceProcess, signal: AbortSignal): Promise<boolean> => {
    try {
      const answer = await options.fetch(`${url}/ready`, {
        method: 'GET',
        headers: {},
        signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      });
      await answer.text();
      return answer.status === 200;
    } catch {
      return false; // nothing listens there yet, or it is too busy to say
    }
  };

  return {
    all,
    urls,
    async ready(signal) {
      for (let left: readonly ServiceProcess[] = all; left.length > 0; ) {
        const waiting: ServiceProcess[] = [];
        for (const one of left) {
          signal.throwIfAborted();
          if (!(await isReady(one, signal))) waiting.push(one);
        }
        left = waiting;
        if (left.length > 0) await sleep(runtime, pollMs);
      }
    },
    async stop() {
      const front = all.filter(({ service }) => service === 'bff');
      await Promise.all(front.map((one) => one.stop()));
      await Promise.all(all.map((one) => one.stop()));
    },
  };
};
