-- What the request of a forgotten saga is recognised by. What the saga made stays, under ids that follow from the saga's:
-- the same key must not begin it again.
CREATE TABLE saga_key (
  id uuid PRIMARY KEY,
  request_hash text NOT NULL,
  message_id text NOT NULL,
  status int2 NOT NULL
);
