-- Movements come in the order of their dates: a few pages of index tell which are old.
CREATE INDEX "movimiento_fecha_idx" ON "movimiento" USING brin ("fecha");
