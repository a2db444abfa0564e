import type { Manifest } from '../manifest.ts';
import { type NamespacePolicies, type PulsarAdmin, PulsarAdminError, type TopicStats } from './admin.ts';
import { namespacePolicies, policyDrift } from './namespace-policies.ts';
import { topicName } from './topic-name.ts';

export interface ProvisionOptions {
  readonly admin: PulsarAdmin;
  readonly manifest: Manifest;
  /** Owners are its namespaces. Suites that share a broker have a tenant each. */
  readonly tenant: string;
  /** Of every topic: fixed at its creation. */
  readonly partitions: number;
  /** Whether producers must declare a schema. Not where one of them speaks WebSocket, which carries none. */
  readonly enforceSchemas: boolean;
  /** The Avro schemas of a topic, the oldest first; `publishedSchemas` for the product's own. */
  schemasOf(topic: string): readonly string[];
  /** Resolves after `ms` milliseconds. */
  sleep(ms: number): Promise<void>;
}

/** One thing to make or to mend. */
export interface Change {
  /** `+` what is not there, `~` what is otherwise. */
  readonly line: string;
  apply(): Promise<void>;
}

/** What the broker has against what is declared; nothing is changed yet. */
export interface Difference {
  /** In the order in which they are to be applied. */
  readonly changes: readonly Change[];
  /** What cannot be mended, each with its reason: nothing is changed while there is one. */
  readonly refusals: readonly string[];
}

/** What is declared cannot be made of what the broker has; a line for each reason. */
export class ProvisionRefused extends Error {
  override readonly name = 'ProvisionRefused';
}

const ATTEMPTS = 8;
const RETRY_MS = 250;

/**
 * Statuses of a conflict with another provisioner or of a broker that moves the namespace: asked again, all of ours may
 * be. 409 and 500 among them, unless the registry refuses a schema.
 */
const PASSING = new Set([404, 408, 409, 412, 429, 500, 502, 503, 504]);

const isPassing = (error: unknown): boolean =>
  error instanceof PulsarAdminError &&
  (error.status === undefined || PASSING.has(error.status)) &&
  !/schema compatib|SchemaValidation|IncompatibleSchema/i.test(error.reason);

const ownersOf = ({ topics }: Manifest): string[] => [
  ...new Set([...topics.values()].map(({ owner }) => owner)),
];

/** The durable subscriptions of each topic. */
const subscribers = (manifest: Manifest): ReadonlyMap<string, readonly string[]> => {
  const names = new Map<string, string[]>([...manifest.topics.keys()].map((topic) => [topic, []]));
  for (const { name, topics } of manifest.subscriptions.values())
    for (const topic of topics) names.get(topic)?.push(name);
  return names;
};

/** Compares the broker with the manifest. It changes nothing. */
export const provisionDifference = async (options: ProvisionOptions): Promise<Difference> => {
  const { admin, manifest, tenant, partitions, sleep } = options;
  const changes: Change[] = [];
  const refusals: string[] = [];
  const change = (line: string, work: () => Promise<unknown>): void => {
    const apply = async (): Promise<void> => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await work();
          return;
        } catch (error) {
          if (attempt === ATTEMPTS || !isPassing(error)) throw error;
          await sleep(RETRY_MS * attempt);
        }
      }
    };
    changes.push({ line, apply });
  };

  const isTenant = (await admin.tenants()).includes(tenant);
  if (!isTenant) change(`+ tenant ${tenant}`, () => admin.createTenant(tenant));

  const wanted = namespacePolicies(options.enforceSchemas);
  const present = new Set<string>();
  for (const owner of ownersOf(manifest)) {
    const namespace = `${tenant}/${owner}`;
    const found: NamespacePolicies | undefined = isTenant ? await admin.policies(namespace) : undefined;
    if (found === undefined) change(`+ namespace ${namespace}`, () => admin.createNamespace(namespace));
    else present.add(owner);
    for (const { policy, from } of policyDrift(wanted, found ?? {})) {
      const { method, name, value } = policy;
      const line = `${found === undefined ? '+' : '~'} policy ${name} of ${namespace}: ${from} → ${value === undefined ? 'unset' : JSON.stringify(value)}`;
      change(line, () => admin.setPolicy(namespace, method, policy.path, value));
    }
  }

  const states = await Promise.all(
    [...manifest.topics.values()].map(async ({ name, owner }) => {
      const topic = topicName(tenant, name);
      const count = present.has(owner) ? await admin.partitions(topic) : undefined;
      const stats = count === undefined ? undefined : await admin.stats(topic);
      const registered = count === undefined ? [] : await admin.schemas(topic);
      const schemas = await Promise.all(
        options.schemasOf(name).map(async (definition, index, all) => {
          const version = registered.length > 0 ? await admin.schemaVersion(topic, definition) : undefined;
          const reason =
            registered.length > 0 && version === undefined
              ? await admin.incompatibility(topic, definition)
              : undefined;
          return {
            definition,
            label: `${index + 1} of ${all.length}`,
            missing: version === undefined,
            reason,
          };
        }),
      );
      return { name, topic, count, stats, schemas };
    }),
  );
  const wantedSubscriptions = subscribers(manifest);
  for (const { name, topic, count, stats } of states) {
    if (count === undefined) {
      change(`+ topic ${topic} with ${partitions} partitions`, () => admin.createTopic(topic, partitions));
    } else if (count !== partitions) {
      refusals.push(
        `topic ${topic} has ${count || 'no'} partitions, not ${partitions}: their number is fixed at creation, since a key would move past its own backlog`,
      );
    } else if ((stats?.partitions.size ?? 0) < count) {
      change(`+ missing partitions of ${topic}`, () => admin.createMissedPartitions(topic));
    }
    for (const subscription of wantedSubscriptions.get(name) ?? []) {
      if (hasSubscription(stats, subscription, count ?? partitions)) continue;
      change(`+ subscription ${subscription} of ${topic}, from Earliest`, () =>
        admin.createSubscription(topic, subscription),
      );
    }
  }
  for (const { topic, schemas } of states) {
    for (const { definition, label, missing, reason } of schemas) {
      if (reason !== undefined) refusals.push(`schema ${label} of ${topic} is incompatible: ${reason}`);
      else if (missing)
        change(`+ schema ${label} of ${topic}`, () => admin.registerSchema(topic, definition));
    }
  }
  return { changes, refusals };
};

/** Whether every one of a topic's partitions has the durable subscription: a broker makes and deletes it in each. */
const hasSubscription = (stats: TopicStats | undefined, name: string, partitions: number): boolean =>
  [...(stats?.partitions.values() ?? [])].filter((durable) => durable.has(name)).length >= partitions;

/**
 * Makes and mends what the manifest declares: tenant, namespaces and their policies, topics, durable subscriptions,
 * schemas. Nothing is ever deleted. It may be run again, and by several at once.
 * @param say told the whole difference before the first change
 * @returns how much was changed
 * @throws ProvisionRefused where the broker has what cannot be mended; nothing is changed then
 * @throws PulsarAdminError where the broker is away, or refuses
 */
export const provision = async (
  options: ProvisionOptions,
  say: (line: string) => void = () => undefined,
): Promise<number> => {
  const { changes, refusals } = await provisionDifference(options);
  for (const { line } of changes) say(line);
  if (refusals.length > 0) throw new ProvisionRefused(refusals.join('\n'));
  for (const { line, apply } of changes) {
    try {
      await apply();
    } catch (error) {
      if (!(error instanceof PulsarAdminError) || isPassing(error)) throw error;
      throw new ProvisionRefused(`${line.replace(/^. /, '')}: ${error.reason}`);
    }
  }
  return changes.length;
};

/**
 * What a service needs before it takes work: every topic with its partitions, and every durable subscription. A message
 * that is published before its subscription exists is never delivered to it.
 * @param whole topics that are known to be there, with all of theirs: they are not asked for, and what is found is added,
 *   also where the broker then fails to answer for another one
 * @returns what is missing, a line each; none where all is there
 */
export const checkProvisioned = async (
  { admin, manifest, tenant }: Pick<ProvisionOptions, 'admin' | 'manifest' | 'tenant'>,
  whole: Set<string> = new Set(),
): Promise<string[]> => {
  const check = async (name: string, subscriptions: readonly string[]): Promise<string[]> => {
    const topic = topicName(tenant, name);
    const [count, stats] = await Promise.all([admin.partitions(topic), admin.stats(topic)]);
    if (count === undefined || stats === undefined) return [`topic ${topic} is missing`];
    const partitions = Math.max(1, count);
    if (stats.partitions.size < partitions) return [`a partition of topic ${topic} is missing`];
    return subscriptions
      .filter((subscription) => !hasSubscription(stats, subscription, partitions))
      .map((subscription) => `subscription ${subscription} of ${topic} is missing`);
  };
  const left = [...subscribers(manifest)].filter(([name]) => !whole.has(name)).entries();
  const missing: string[][] = [];
  let failure: { readonly error: unknown } | undefined;
  const asker = async (): Promise<void> => {
    for (const [at, [name, subscriptions]] of left) {
      try {
        const found = await check(name, subscriptions);
        if (found.length === 0) whole.add(name);
        missing[at] = found;
      } catch (error) {
        failure ??= { error };
      }
      // Who does not answer for one topic is spared the others for now; what was asked already is heard out.
      if (failure !== undefined) return;
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, asker));
  if (failure !== undefined) throw failure.error;
  return missing.flat();
};

/**
 * Topics that one service asks for at a time. Every service of an installation asks a broker that comes up for all of
 * them: all at once, they kept it from answering anyone within the time that they gave it.
 */
const ASKED_AT_ONCE = 2;

/** How old it may be that all was there before it is asked again. */
const REMEMBERED_MS = 30_000;

/**
 * A check for `/ready`: rejects in one line with what is missing. Services never make it themselves. One question is
 * under way at a time. Once all was there it is so until the broker says otherwise: it is asked every 30 s, nobody waits
 * for that, and a broker that does not answer has lost nothing.
 */
export const provisionedCheck = (
  options: Pick<ProvisionOptions, 'admin' | 'manifest' | 'tenant'> & { now(): number },
): (() => Promise<void>) => {
  /** When all was there; undefined where it never was, or something is missing now. */
  let whole: number | undefined;
  let asking: Promise<void> | undefined;
  /** What is there, as far as the question got that is asked now or has to be asked again. */
  const seen = new Set<string>();
  const ask = (): Promise<void> => {
    asking ??= checkProvisioned(options, seen)
      .then(([first, ...others]) => {
        whole = first === undefined ? options.now() : undefined;
        if (first === undefined) return seen.clear();
        const more = others.length > 0 ? `, and ${others.length} more` : '';
        throw new Error(`not provisioned (npm run provision): ${first}${more}`);
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  return async () => {
    if (whole === undefined) return ask();
    if (options.now() - whole >= REMEMBERED_MS) ask().catch(() => undefined); // what it says, the next one is told
  };
};
