-- A saga. `status`: 1 RUNNING, 2 COMPENSATING, 3 COMPLETED, 4 COMPENSATED, 5 PARKED. Of what is indexed only `wake_at`
-- ever changes, and seldom: updates stay HOT, for which half of each page is left free. `wake_at` is null exactly when
-- the saga has ended, so that the index holds the live ones; a parked one has a time that never comes.
CREATE TABLE saga (
  id uuid PRIMARY KEY,
  tipo text NOT NULL,
  definition text NOT NULL,
  version int4 NOT NULL,
  status int2 NOT NULL,
  wake_at timestamptz,
  started_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deshace uuid,
  alcance jsonb,
  motivo text,
  message_id text NOT NULL,
  traceparent text NOT NULL,
  request_hash text NOT NULL,
  claves jsonb NOT NULL,
  claves_normalised jsonb NOT NULL,
  fingerprint text NOT NULL,
  state jsonb NOT NULL,
  input bytea NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX saga_wake ON saga (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX saga_newest ON saga (started_at DESC, id DESC);
CREATE INDEX saga_clave ON saga USING gin (claves_normalised jsonb_path_ops);

-- What happened to a saga, a row a transaction; `n` counts from 1. `xid` is the transaction that wrote the row: read
-- below the oldest one that is still under way, (xid, saga_id, n) is a position that no later commit comes before.
CREATE TABLE saga_log (
  saga_id uuid NOT NULL,
  n int4 NOT NULL,
  xid bigint NOT NULL,
  status int2 NOT NULL,
  at timestamptz NOT NULL,
  entries jsonb NOT NULL,
  PRIMARY KEY (saga_id, n)
);

-- Rows come in the order of their transactions, roughly: a summary of each stretch of pages is enough, and costs no
-- index entry a row.
CREATE INDEX saga_log_position ON saga_log USING brin (xid) WITH (pages_per_range = 16);
