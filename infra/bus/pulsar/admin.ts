/** What the broker's admin REST refused, or why it could not be asked: one line. */
export class PulsarAdminError extends Error {
  override readonly name = 'PulsarAdminError';
  /** The HTTP status; undefined where no answer came. */
  readonly status: number | undefined;
  /** The broker's own words. */
  readonly reason: string;

  constructor(asked: string, status: number | undefined, reason: string) {
    super(`Pulsar's admin REST, ${asked}: ${status === undefined ? '' : `${status} `}${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

export interface PulsarAdminOptions {
  /** `http://host:8080` */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string | undefined;
  /** How long one answer may take; 10 s unless told. */
  readonly timeoutMs?: number;
}

/** A schema as the registry has it. */
export interface RegisteredSchema {
  readonly version: number;
  /** `AVRO`, `JSON`, … */
  readonly type: string;
  /** The definition's text. */
  readonly definition: string;
}

/** A durable subscription to one topic, all partitions together. */
export interface SubscriptionStats {
  /** Entries that are not acknowledged: a batch of messages is one. */
  readonly backlog: number;
  /** When the oldest unacknowledged message was published (epoch milliseconds); undefined where there is none. */
  readonly oldestUnacknowledgedAt: number | undefined;
  /** Messages at consumers, not acknowledged yet. */
  readonly unacknowledged: number;
  readonly consumers: number;
}

export interface TopicStats {
  /** Durable ones, all partitions together. */
  readonly subscriptions: ReadonlyMap<string, SubscriptionStats>;
  /** The names of the durable subscriptions of each partition that there is, by its number. */
  readonly partitions: ReadonlyMap<number, ReadonlySet<string>>;
  /** Bytes on disk, what is retained included. */
  readonly storageBytes: number;
  readonly producers: number;
}

/** The policies of a namespace, as `GET /admin/v2/namespaces/…` answers them. */
export type NamespacePolicies = Readonly<Record<string, unknown>>;

/**
 * The part of the broker's admin REST that we use. Topics are named `persistent://tenant/namespace/name`. Every call
 * rejects with a `PulsarAdminError`; what does not exist is `undefined`. The `create…` and `set…` may be called at once
 * by several processes: what is already there is left as it is.
 */
export interface PulsarAdmin {
  /** Rejects unless the broker can write and read. */
  health(): Promise<void>;
  clusters(): Promise<readonly string[]>;
  tenants(): Promise<readonly string[]>;
  createTenant(tenant: string): Promise<void>;
  namespaces(tenant: string): Promise<readonly string[]>;
  createNamespace(namespace: string): Promise<void>;
  policies(namespace: string): Promise<NamespacePolicies | undefined>;
  /** @param policy the rest of the path, as `messageTTL` */
  setPolicy(
    namespace: string,
    method: 'POST' | 'PUT' | 'DELETE',
    policy: string,
    value?: unknown,
  ): Promise<void>;
  /** The names of all topics, a partitioned one as one. */
  topics(namespace: string): Promise<readonly string[]>;
  /** Its partitions; 0 where it has none; undefined where it does not exist. */
  partitions(topic: string): Promise<number | undefined>;
  createTopic(topic: string, partitions: number): Promise<void>;
  /** Makes the partitions of a topic that were deleted, or not made when its creation was cut off. */
  createMissedPartitions(topic: string): Promise<void>;
  /**
   * From the first message that the topic still has. Where others create it at this moment the broker may answer 412,
   * busy: ask again.
   */
  createSubscription(topic: string, subscription: string): Promise<void>;
  /** @param oldest whether to look up the oldest unacknowledged message, which costs the broker a read */
  stats(topic: string, oldest?: boolean): Promise<TopicStats | undefined>;
  /** Every version, the oldest first. */
  schemas(topic: string): Promise<readonly RegisteredSchema[]>;
  /** The version that this very schema has; undefined where it is not registered. */
  schemaVersion(topic: string, definition: string): Promise<number | undefined>;
  /** @throws PulsarAdminError with the registry's reason where it is incompatible */
  registerSchema(topic: string, definition: string): Promise<number>;
  /** The registry's reason why the schema cannot follow those it has; undefined where it can. */
  incompatibility(topic: string, definition: string): Promise<string | undefined>;
  /** Removes a tenant with all that is in it. For tests. */
  deleteTenant(tenant: string): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_REASON = 500;

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', lt: '<', gt: '>', apos: "'", amp: '&' };

/**
 * The broker's reason in one line: the `reason` of its JSON, without the stack that a 500 carries; of Jetty's page, what
 * stands in its title.
 */
export const reasonOf = (text: string): string => {
  let reason = text;
  const title = /<title>([\s\S]*?)<\/title>/i.exec(text)?.[1];
  if (title !== undefined) {
    reason = title
      .replace(/^Error \d+ /, '')
      .replace(/&(\w+);/g, (entity, name: string) => ENTITIES[name] ?? entity);
  } else {
    try {
      const parsed: unknown = JSON.parse(text);
      const said = (parsed as { reason?: unknown } | null)?.reason;
      if (typeof said === 'string') reason = said;
    } catch {
      // plain text is its own reason
    }
  }
  reason = (/Message: ([\s\S]*?)(?:\n\s*Stacktrace:|$)/.exec(reason)?.[1] ?? reason)
    .replace(/\s+/g, ' ')
    .trim();
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason;
};

/** `persistent://tenant/namespace/name` as a path of the admin REST, without the domain where `domain` is false. */
const pathOf = (topic: string, domain = true): string => {
  const match = /^(persistent):\/\/([^/]+)\/([^/]+)\/(.+)$/.exec(topic);
  if (match === null) throw new TypeError(`${topic} is not persistent://tenant/namespace/name`);
  const [, kind = '', ...names] = match;
  return [...(domain ? [kind] : []), ...names.map(encodeURIComponent)].join('/');
};

const namespacePath = (namespace: string): string => namespace.split('/').map(encodeURIComponent).join('/');

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What `GET …/partitioned-stats` and `GET …/stats` answer, as far as we read it. */
interface StatsAnswer {
  readonly storageSize?: number;
  readonly publishers?: readonly unknown[];
  readonly subscriptions?: Readonly<
    Record<
      string,
      {
        readonly msgBacklog?: number;
        readonly earliestMsgPublishTimeInBacklog?: number;
        readonly unackedMessages?: number;
        readonly isDurable?: boolean;
        readonly consumers?: readonly unknown[];
      }
    >
  >;
  /** Only those that could be asked: one that is being loaded is left out. */
  readonly partitions?: Readonly<Record<string, StatsAnswer>>;
  readonly metadata?: { readonly partitions?: number };
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);

/** The partitions are added here: the broker's own sum takes a partition without backlog for the oldest. */
const readStats = (answer: StatsAnswer): TopicStats => {
  const parts = Object.entries(answer.partitions ?? {});
  const subscriptions = new Map<string, SubscriptionStats>();
  const partitions = new Map<number, Set<string>>();
  for (const [topic, part] of parts.length > 0 ? parts : [['-partition-0', answer] as const]) {
    const durable = new Set<string>();
    partitions.set(Number(/-partition-(\d+)$/.exec(topic)?.[1]), durable);
    for (const [name, stats] of Object.entries(part.subscriptions ?? {})) {
      if (stats.isDurable === false) continue;
      durable.add(name);
      const sum = subscriptions.get(name);
      const { msgBacklog = 0, earliestMsgPublishTimeInBacklog: oldest = 0 } = stats;
      subscriptions.set(name, {
        backlog: (sum?.backlog ?? 0) + msgBacklog,
        oldestUnacknowledgedAt: earlier(
          sum?.oldestUnacknowledgedAt,
          msgBacklog > 0 && oldest > 0 ? oldest : undefined,
        ),
        unacknowledged: (sum?.unacknowledged ?? 0) + (stats.unackedMessages ?? 0),
        consumers: (sum?.consumers ?? 0) + (stats.consumers?.length ?? 0),
      });
    }
  }
  return {
    subscriptions,
    partitions,
    storageBytes: answer.storageSize ?? 0,
    producers: answer.publishers?.length ?? 0,
  };
};

/** A client of the admin REST at `options.url`. It keeps nothing, and needs no closing. */
export const pulsarAdmin = (options: PulsarAdminOptions): PulsarAdmin => {
  const { url, fetch, token, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const base = `${url.replace(/\/+$/, '')}/admin/v2`;

  /** @param accepted the statuses besides 2xx that are answers and not failures */
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    accepted: readonly number[] = [],
  ): Promise<Answer> => {
    const asked = `${method} /${path.split('?', 1)[0]}`;
    let answer: Answer;
    try {
      const response = await fetch(`${base}/${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      answer = { status: response.status, text: await response.text() };
    } catch (error) {
      const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      if (name === 'TimeoutError')
        throw new PulsarAdminError(asked, undefined, `no answer within ${timeoutMs} ms from ${url}`);
      throw new PulsarAdminError(asked, undefined, `${cause?.code ?? cause?.message ?? message} at ${url}`);
    }
    const { status, text } = answer;
    if ((status >= 200 && status < 300) || accepted.includes(status)) return answer;
    throw new PulsarAdminError(asked, status, reasonOf(text));
  };
  const read = async <Value>(path: string): Promise<Value> =>
    JSON.parse((await ask('GET', path)).text) as Value;
  const find = async <Value>(path: string): Promise<Value | undefined> => {
    const { status, text } = await ask('GET', path, undefined, [404]);
    return status === 404 ? undefined : (JSON.parse(text) as Value);
  };
  const schema = (definition: string) => ({ type: 'AVRO', schema: definition, properties: {} });

  return {
    async health() {
      const { text } = await ask('GET', 'brokers/health');
      if (text.trim() !== 'ok') throw new PulsarAdminError('GET /brokers/health', 200, reasonOf(text));
    },
    clusters: () => read('clusters'),
    tenants: () => read('tenants'),
    async createTenant(tenant) {
      const allowedClusters = await read<string[]>('clusters');
      await ask('PUT', `tenants/${encodeURIComponent(tenant)}`, { allowedClusters }, [409]);
    },
    namespaces: async (tenant) => (await find(`namespaces/${encodeURIComponent(tenant)}`)) ?? [],
    async createNamespace(namespace) {
      await ask('PUT', `namespaces/${namespacePath(namespace)}`, {}, [409]);
    },
    policies: (namespace) => find(`namespaces/${namespacePath(namespace)}`),
    async setPolicy(namespace, method, policy, value) {
      await ask(method, `namespaces/${namespacePath(namespace)}/${policy}`, value);
    },
    async topics(namespace) {
      const [all, partitioned] = await Promise.all([
        find<string[]>(`persistent/${namespacePath(namespace)}`),
        find<string[]>(`persistent/${namespacePath(namespace)}/partitioned`),
      ]);
      const isPart = (topic: string): boolean => /-partition-\d+$/.test(topic);
      return [...new Set([...(all ?? []).filter((topic) => !isPart(topic)), ...(partitioned ?? [])])];
    },
    partitions: async (topic) =>
      (await find<{ partitions: number }>(`${pathOf(topic)}/partitions`))?.partitions,
    async createTopic(topic, partitions) {
      await ask('PUT', `${pathOf(topic)}/partitions`, partitions, [409]);
    },
    async createMissedPartitions(topic) {
      await ask('POST', `${pathOf(topic)}/createMissedPartitions`);
    },
    async createSubscription(topic, subscription) {
      // The message id before the first: on every partition.
      const earliest = { ledgerId: -1, entryId: -1 };
      await ask('PUT', `${pathOf(topic)}/subscription/${encodeURIComponent(subscription)}`, earliest, [409]);
    },
    async stats(topic, oldest = false) {
      const query = `getPreciseBacklog=true&getEarliestTimeInBacklog=${oldest}`;
      const partitioned = await find<StatsAnswer>(
        `${pathOf(topic)}/partitioned-stats?perPartition=true&${query}`,
      );
      if (partitioned === undefined) {
        const stats = await find<StatsAnswer>(`${pathOf(topic)}/stats?${query}`);
        return stats && readStats(stats);
      }
      const partitions: Record<string, StatsAnswer> = { ...partitioned.partitions };
      for (let n = 0; n < (partitioned.metadata?.partitions ?? 0); n += 1) {
        const partition = `${topic}-partition-${n}`;
        if (partition in partitions) continue;
        const stats = await find<StatsAnswer>(`${pathOf(partition)}/stats?${query}`);
        if (stats) partitions[partition] = stats;
      }
      return readStats({ ...partitioned, partitions });
    },
    async schemas(topic) {
      interface Found {
        readonly getSchemaResponses: readonly { version: number; type: string; data: string }[];
      }
      const found = await find<Found>(`schemas/${pathOf(topic, false)}/schemas`);
      return (found?.getSchemaResponses ?? []).map(({ version, type, data }) => ({
        version,
        type,
        definition: data,
      }));
    },
    async schemaVersion(topic, definition) {
      const path = `schemas/${pathOf(topic, false)}/version`;
      const { status, text } = await ask('POST', path, schema(definition), [404]);
      if (status === 404) return undefined;
      const { version } = JSON.parse(text) as { version: number };
      return version < 0 ? undefined : version;
    },
    async registerSchema(topic, definition) {
      const { text } = await ask('POST', `schemas/${pathOf(topic, false)}/schema`, schema(definition));
      return (JSON.parse(text) as { version: { version: number } }).version.version;
    },
    async incompatibility(topic, definition) {
      const path = `schemas/${pathOf(topic, false)}/compatibility`;
      const { status, text } = await ask('POST', path, schema(definition), [409, 500]);
      if (status === 409 || status === 500) {
        const reason = reasonOf(text);
        // An incompatible schema is a 500 here, and so is anything that really went wrong.
        if (/compatib|SchemaValidation/i.test(reason)) return reason;
        throw new PulsarAdminError(`POST /${path}`, status, reason);
      }
      const { compatibility } = JSON.parse(text) as { compatibility: boolean };
      return compatibility ? undefined : 'the registry says only that it is incompatible';
    },
    async deleteTenant(tenant) {
      await ask('DELETE', `tenants/${encodeURIComponent(tenant)}?force=true`, undefined, [404]);
    },
  };
};
