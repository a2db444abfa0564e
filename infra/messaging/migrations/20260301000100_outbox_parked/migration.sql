-- Outbox rows that the bus refuses, for operators to see and to free: whoever publishes the outbox writes them, and goes on
-- with a key once its row is gone. A row whose message is in the outbox no more says nothing.
CREATE TABLE outbox_parked (
  seq bigint PRIMARY KEY,
  reason text NOT NULL,
  at timestamptz NOT NULL
);
