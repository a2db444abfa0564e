-- DropIndex
DROP INDEX "item_nombre_normalizado_idx";

-- DropIndex
DROP INDEX "movimiento_item_bodega_id_idx";

-- CreateIndex
CREATE INDEX "movimiento_item_id_idx" ON "movimiento"("item", "id");

-- Few reservations are live, and of those few were made by hand; of items only live ones are called by their names:
-- none of them are looked for among all that ever were. Prisma cannot express partial indexes: they stand here alone.
CREATE INDEX "reserva_vigente_idx" ON "reserva"("creada") WHERE "estado" = 'VIGENTE';
CREATE INDEX "reserva_manual_vigente_idx" ON "reserva"("id") WHERE "estado" = 'VIGENTE' AND "dueno" = 'MANUAL';
CREATE INDEX "item_live_nombre_idx" ON "item"("nombre_normalizado", "numero") WHERE "eliminado" IS NULL;
CREATE INDEX "item_live_numero_idx" ON "item"("numero") WHERE "eliminado" IS NULL;
