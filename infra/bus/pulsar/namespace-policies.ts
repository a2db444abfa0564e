import type { NamespacePolicies } from './admin.ts';

/** A policy of a namespace, as we want it. */
export interface Policy {
  readonly name: string;
  /** How it is set: the rest of the admin REST's path. */
  readonly path: string;
  readonly method: 'POST' | 'PUT' | 'DELETE';
  /** Where it stands among the policies that the broker answers. */
  readonly at: readonly [string, ...string[]];
  /** Undefined where there is to be none. */
  readonly value: unknown;
}

const MB = 1024 * 1024;

/** A partition whose subscriptions leave that much unread holds its producers back: outboxes fill, nothing is lost. */
const BACKLOG_MB = 1024;

/**
 * How long, and how much of a partition, is kept after all have acknowledged it: for who joins or reads back. The broker
 * wants more of it than of backlog.
 */
const RETENTION = { retentionTimeInMinutes: 24 * 60, retentionSizeInMB: 2 * BACKLOG_MB };

const set = (name: string, at: Policy['at'], value: unknown, method: Policy['method'] = 'POST'): Policy => ({
  name,
  path: name,
  method,
  at,
  value,
});

/**
 * What every namespace of ours has. Nothing is deleted before it is acknowledged, by age, idleness or quota; nothing
 * comes into being by a name that somebody mistyped; no schema but by `npm run provision`.
 */
export const namespacePolicies = (enforceSchemas: boolean): readonly Policy[] => [
  set('schemaCompatibilityStrategy', ['schema_compatibility_strategy'], 'FULL_TRANSITIVE', 'PUT'),
  set('isAllowAutoUpdateSchema', ['is_allow_auto_update_schema'], false),
  set('schemaValidationEnforced', ['schema_validation_enforced'], enforceSchemas),
  set('autoTopicCreation', ['autoTopicCreationOverride'], { allowAutoTopicCreation: false }),
  set('autoSubscriptionCreation', ['autoSubscriptionCreationOverride'], {
    allowAutoSubscriptionCreation: false,
  }),
  set('inactiveTopicPolicies', ['inactive_topic_policies'], {
    inactiveTopicDeleteMode: 'delete_when_no_subscriptions',
    maxInactiveDurationSeconds: 60,
    deleteWhileInactive: false,
  }),
  set('messageTTL', ['message_ttl_in_seconds'], 0),
  set('subscriptionExpirationTime', ['subscription_expiration_time_minutes'], 0),
  set('retention', ['retention_policies'], RETENTION),
  {
    ...set('backlogQuota', ['backlog_quota_map', 'destination_storage'], {
      limitSize: BACKLOG_MB * MB,
      policy: 'producer_request_hold',
    }),
    path: 'backlogQuota?backlogQuotaType=destination_storage',
  },
  {
    // A quota of age could only evict or refuse: ours is one of size.
    ...set('backlogQuota by age', ['backlog_quota_map', 'message_age'], undefined, 'DELETE'),
    path: 'backlogQuota?backlogQuotaType=message_age',
  },
];

/** Whether `found` has all that `wanted` says; the broker adds fields of its own. */
const agrees = (wanted: unknown, found: unknown): boolean => {
  if (wanted === undefined) return found === undefined || found === null;
  if (typeof wanted !== 'object' || wanted === null) return wanted === found;
  if (typeof found !== 'object' || found === null) return false;
  return Object.entries(wanted).every(([name, value]) => agrees(value, (found as NamespacePolicies)[name]));
};

/** The policies that are not as wanted, each with what it is now. */
export const policyDrift = (
  wanted: readonly Policy[],
  found: NamespacePolicies,
): readonly { readonly policy: Policy; readonly from: string }[] =>
  wanted.flatMap((policy) => {
    let value: unknown = found;
    for (const name of policy.at) value = (value as NamespacePolicies | undefined | null)?.[name];
    if (agrees(policy.value, value)) return [];
    return [{ policy, from: value === undefined || value === null ? 'unset' : JSON.stringify(value) }];
  });
