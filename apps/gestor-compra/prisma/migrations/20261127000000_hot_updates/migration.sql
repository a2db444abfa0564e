-- A purchase changes four times, in no column that an index names. Where a page has room for the new row, no index is
-- written to.
ALTER TABLE "compra" SET (fillfactor = 50);
