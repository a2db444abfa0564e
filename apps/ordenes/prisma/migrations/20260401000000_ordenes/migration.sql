-- CreateTable
CREATE TABLE "cliente" (
    "id" TEXT NOT NULL,
    "activo" BOOLEAN NOT NULL,
    "limite" DECIMAL(18,2) NOT NULL,
    "creado" TIMESTAMPTZ NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "cliente_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "orden" (
    "id" UUID NOT NULL,
    "compra" UUID NOT NULL,
    "cliente" TEXT NOT NULL,
    "domicilio" TEXT NOT NULL,
    "total" DECIMAL(18,2),
    "estado" TEXT NOT NULL,
    "codigo" TEXT,
    "motivo" TEXT,
    "creada" TIMESTAMPTZ NOT NULL,
    "actualizada" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "orden_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "linea_orden" (
    "orden" UUID NOT NULL,
    "n" SMALLINT NOT NULL,
    "id_item" UUID,
    "numero" INTEGER,
    "nombre" TEXT NOT NULL,
    "cantidad" INTEGER NOT NULL,
    "precio_unitario" DECIMAL(18,2),

    CONSTRAINT "linea_orden_pkey" PRIMARY KEY ("orden","n")
);

-- CreateIndex
CREATE INDEX "orden_compra_idx" ON "orden"("compra");

-- CreateIndex
CREATE INDEX "orden_cliente_creada_id_idx" ON "orden"("cliente", "creada", "id");

-- CreateIndex
CREATE INDEX "orden_creada_id_idx" ON "orden"("creada", "id");

-- CreateIndex
CREATE INDEX "linea_orden_id_item_idx" ON "linea_orden"("id_item");

-- AddForeignKey
ALTER TABLE "linea_orden" ADD CONSTRAINT "linea_orden_orden_fkey" FOREIGN KEY ("orden") REFERENCES "orden"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

