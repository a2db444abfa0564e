-- Which of the processes that serve this database publishes its outbox: one row, or none before the first has come.
-- `owner` is empty when it was given back. `token` grows with each change of hands. Nobody's clock stands here: the
-- holder counts `renewals`, and who sees the same (token, renewals) for `lasts_ms` of its own clock may take it.
CREATE TABLE relay_lease (
  one bool PRIMARY KEY CHECK (one),
  owner text NOT NULL,
  token bigint NOT NULL,
  renewals bigint NOT NULL,
  lasts_ms int4 NOT NULL
);
