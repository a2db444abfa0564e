-- What an operator's verb under an Idempotency-Key was answered with, written in the verb's transaction. `id` stands
-- for the caller, the route and the key. `answer` is JSON kept as text: a repeat gets it as it was, field by field.
CREATE TABLE request (
  id uuid PRIMARY KEY,
  hash text NOT NULL,
  answer text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX request_at ON request (at);
