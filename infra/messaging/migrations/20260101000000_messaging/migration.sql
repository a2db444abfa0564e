-- What has been handled, by idempotency key: at most one effect a message. `state`: 1 handled, 2 tombstone (it never
-- takes effect). `contract`, `fingerprint` and `reply` are the answer, given again to whoever repeats the message.
CREATE TABLE inbox (
  subscription text NOT NULL,
  key text NOT NULL,
  state int2 NOT NULL,
  contract text,
  fingerprint text,
  reply bytea,
  at timestamptz NOT NULL,
  PRIMARY KEY (subscription, key)
);

-- What is committed and not yet known to be durable on the bus. A row lives for milliseconds, so the vacuum is eager.
-- CACHE 1: a transaction that locked an aggregate after another one draws higher numbers.
CREATE TABLE outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
  topic text NOT NULL,
  key text NOT NULL,
  id uuid NOT NULL,
  props jsonb NOT NULL,
  payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 5000);

-- A row blocks its key: every later message of it queues behind, in order, until none is left. Its lock is what the
-- consumer and the drain of held messages meet at.
CREATE TABLE held_key (
  subscription text NOT NULL,
  key text NOT NULL,
  PRIMARY KEY (subscription, key)
);

-- Messages set apart, as they came. `properties` is JSON kept as text: what a stranger sent may be no valid jsonb.
-- `state`: 1 retrying, 2 parked, 3 released by an operator.
CREATE TABLE held_message (
  id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
  subscription text NOT NULL,
  key text NOT NULL,
  topic text NOT NULL,
  properties text NOT NULL,
  payload bytea NOT NULL,
  published_at timestamptz NOT NULL,
  cause text NOT NULL,
  attempts int4 NOT NULL,
  state int2 NOT NULL,
  next_at timestamptz NOT NULL,
  held_at timestamptz NOT NULL,
  PRIMARY KEY (subscription, key, id)
);

-- How a command that belongs to no saga ended. `id` is its idempotency key.
CREATE TABLE operation (
  id text PRIMARY KEY,
  estado text NOT NULL,
  request_hash text NOT NULL,
  message uuid NOT NULL,
  recurso text,
  codigo text,
  motivo text,
  created timestamptz NOT NULL
);

-- What operators did by hand, and why.
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  who text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  reason text NOT NULL
);
