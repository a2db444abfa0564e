-- CreateTable
CREATE TABLE "item" (
    "id" UUID NOT NULL,
    "numero" INTEGER NOT NULL,
    "sku" TEXT NOT NULL,
    "sku_normalizado" TEXT NOT NULL,
    "nombre" TEXT NOT NULL,
    "nombre_normalizado" TEXT NOT NULL,
    "descripcion" TEXT,
    "cantidad" INTEGER NOT NULL,
    "reservada" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "creado" TIMESTAMPTZ NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,
    "eliminado" TIMESTAMPTZ,

    CONSTRAINT "item_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "existencia" (
    "item" UUID NOT NULL,
    "bodega" TEXT NOT NULL,
    "cantidad" INTEGER NOT NULL,
    "reservada" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,

    CONSTRAINT "existencia_pkey" PRIMARY KEY ("item","bodega")
);

-- CreateTable
CREATE TABLE "precio" (
    "item" UUID NOT NULL,
    "precio" DECIMAL(18,2),
    "version" INTEGER NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "precio_pkey" PRIMARY KEY ("item")
);

-- CreateTable
CREATE TABLE "reserva" (
    "id" UUID NOT NULL,
    "dueno" TEXT NOT NULL,
    "compra" UUID,
    "origen" TEXT NOT NULL,
    "estado" TEXT NOT NULL,
    "creada" TIMESTAMPTZ NOT NULL,
    "vence" TIMESTAMPTZ NOT NULL,
    "avisada" TIMESTAMPTZ,
    "actualizada" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "reserva_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reserva_linea" (
    "reserva" UUID NOT NULL,
    "item" UUID NOT NULL,
    "bodega" TEXT NOT NULL,
    "cantidad" INTEGER NOT NULL,

    CONSTRAINT "reserva_linea_pkey" PRIMARY KEY ("reserva","item","bodega")
);

-- CreateTable
CREATE TABLE "movimiento" (
    "id" BIGSERIAL NOT NULL,
    "tipo" TEXT NOT NULL,
    "item" UUID NOT NULL,
    "bodega" TEXT NOT NULL,
    "delta_cantidad" INTEGER NOT NULL,
    "delta_reservada" INTEGER NOT NULL,
    "reserva" UUID,
    "origen" TEXT NOT NULL,
    "fecha" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "movimiento_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "item_numero_key" ON "item"("numero");

-- CreateIndex
CREATE INDEX "item_nombre_normalizado_idx" ON "item"("nombre_normalizado");

-- CreateIndex
CREATE INDEX "reserva_compra_idx" ON "reserva"("compra");

-- CreateIndex
CREATE INDEX "reserva_creada_idx" ON "reserva"("creada");

-- CreateIndex
CREATE INDEX "reserva_linea_item_idx" ON "reserva_linea"("item");

-- CreateIndex
CREATE INDEX "movimiento_item_bodega_id_idx" ON "movimiento"("item", "bodega", "id");

-- AddForeignKey
ALTER TABLE "existencia" ADD CONSTRAINT "existencia_item_fkey" FOREIGN KEY ("item") REFERENCES "item"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "reserva_linea" ADD CONSTRAINT "reserva_linea_reserva_fkey" FOREIGN KEY ("reserva") REFERENCES "reserva"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What follows Prisma cannot express: it stands here alone.

-- A SKU is of one live item.
CREATE UNIQUE INDEX "item_live_sku_key" ON "item"("sku_normalizado") WHERE "eliminado" IS NULL;

-- What the sweep of expired reservations looks for.
CREATE INDEX "reserva_por_vencer_idx" ON "reserva"("vence") WHERE "estado" = 'VIGENTE' AND "avisada" IS NULL;

-- Nothing is sold that is not there, whatever writes here.
ALTER TABLE "item" ADD CONSTRAINT "item_reservada_check" CHECK (0 <= "reservada" AND "reservada" <= "cantidad");
ALTER TABLE "existencia" ADD CONSTRAINT "existencia_reservada_check" CHECK (0 <= "reservada" AND "reservada" <= "cantidad");
ALTER TABLE "reserva_linea" ADD CONSTRAINT "reserva_linea_cantidad_check" CHECK (0 <= "cantidad");
ALTER TABLE "precio" ADD CONSTRAINT "precio_precio_check" CHECK (0 <= "precio");
ALTER TABLE "reserva" ADD CONSTRAINT "reserva_dueno_check" CHECK (("dueno" = 'COMPRA' AND "compra" IS NOT NULL) OR ("dueno" = 'MANUAL' AND "compra" IS NULL));
ALTER TABLE "reserva" ADD CONSTRAINT "reserva_estado_check" CHECK ("estado" IN ('VIGENTE', 'LIBERADA', 'CONFIRMADA', 'DEVUELTA', 'VENCIDA'));
ALTER TABLE "movimiento" ADD CONSTRAINT "movimiento_delta_check" CHECK ("delta_cantidad" <> 0 OR "delta_reservada" <> 0);

-- Rows that change with every purchase keep their new versions on their page.
ALTER TABLE "item" SET (fillfactor = 70);
ALTER TABLE "existencia" SET (fillfactor = 70);
ALTER TABLE "reserva" SET (fillfactor = 70);

-- Optimistic locking: rows that another has changed since they were read are a conflict that passes (serialization_failure).
CREATE FUNCTION "exigir_filas"("escritas" BIGINT, "leidas" INTEGER) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    IF "escritas" <> "leidas" THEN
        RAISE EXCEPTION 'of % rows that were read % have changed since', "leidas", "leidas" - "escritas" USING ERRCODE = 'serialization_failure';
    END IF;
END;
$$;
