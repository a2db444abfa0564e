-- Written often and read whole: json is checked and kept as it came, where jsonb takes it apart.
ALTER TABLE saga ALTER COLUMN alcance TYPE json, ALTER COLUMN claves TYPE json, ALTER COLUMN state TYPE json;
ALTER TABLE saga_log ALTER COLUMN entries TYPE json;
