-- Written once and read whole: json is checked and kept as it came, where jsonb takes it apart (a seventh of Postgres's
-- time for a saga, with the sagas' own).
ALTER TABLE outbox ALTER COLUMN props TYPE json;
