-- A number drawn stands for as many as a statement may give its rows, one after another: so it answers with one number,
-- and needs no other to know them all. Who still draws one for each row stays in order with it.
ALTER TABLE outbox ALTER COLUMN seq SET INCREMENT BY 4096;
