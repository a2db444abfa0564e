-- DropIndex
DROP INDEX "reserva_creada_idx";

-- Those that have ended are listed from the newest on, and forgotten from the oldest on; a state that few of them end in
-- is not looked for among the many that were confirmed. Prisma cannot express partial indexes: they stand here alone.
CREATE INDEX "reserva_terminada_idx" ON "reserva"("creada", "id") WHERE "estado" <> 'VIGENTE';
CREATE INDEX "reserva_sin_venta_idx" ON "reserva"("estado", "creada", "id") WHERE "estado" IN ('LIBERADA', 'DEVUELTA', 'VENCIDA');
