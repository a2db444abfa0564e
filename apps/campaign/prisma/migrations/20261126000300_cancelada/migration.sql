-- An update writes to every index of the table where it changes a column that one of them names, in its predicate too.
-- "estado" changes in each campaign, "cancelada" only where the live name is given up. A page keeps room for the new row.
ALTER TABLE "campaign" ADD COLUMN "cancelada" BOOLEAN GENERATED ALWAYS AS ("estado" = 'CANCELADA') STORED;
DROP INDEX "campaign_live_name_key";
CREATE UNIQUE INDEX "campaign_live_name_key" ON "campaign"("marca_id", "nombre_normalizado") WHERE NOT "cancelada";
ALTER TABLE "campaign" SET (fillfactor = 60);
