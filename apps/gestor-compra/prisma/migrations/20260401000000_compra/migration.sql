-- CreateTable
CREATE TABLE "compra" (
    "id" UUID NOT NULL,
    "id_usuario" TEXT NOT NULL,
    "domicilio" TEXT NOT NULL,
    "pedido" JSONB NOT NULL,
    "lineas" JSONB,
    "total" DECIMAL(18,2),
    "estado" TEXT NOT NULL,
    "detenida" BOOLEAN NOT NULL DEFAULT false,
    "codigo" TEXT,
    "motivo" TEXT,
    "faltantes" JSONB,
    "creada" TIMESTAMPTZ NOT NULL,
    "actualizada" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "compra_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "compra_id_usuario_creada_id_idx" ON "compra"("id_usuario", "creada", "id");

-- CreateIndex
CREATE INDEX "compra_creada_id_idx" ON "compra"("creada", "id");

