-- An order changes once, in no column that an index names. Where a page has room for the new row, no index is written to.
ALTER TABLE "orden" SET (fillfactor = 60);
