-- Rows come in the order of their times, roughly: a summary of each stretch of pages finds what is old enough to go.
CREATE INDEX inbox_at ON inbox USING brin (at) WITH (pages_per_range = 16);
CREATE INDEX operation_created ON operation USING brin (created) WITH (pages_per_range = 16);
