-- CreateTable
CREATE TABLE "campaign" (
    "id" UUID NOT NULL,
    "saga_id" UUID NOT NULL,
    "nombre" TEXT NOT NULL,
    "nombre_normalizado" TEXT NOT NULL,
    "presupuesto" DECIMAL(18,2) NOT NULL,
    "divisa" TEXT NOT NULL,
    "marca_id" TEXT NOT NULL,
    "participantes" JSONB NOT NULL,
    "estado" TEXT NOT NULL,
    "detenida" BOOLEAN NOT NULL DEFAULT false,
    "creada" TIMESTAMPTZ NOT NULL,
    "actualizada" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "campaign_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "campaign_saga_id_idx" ON "campaign"("saga_id");

-- CreateIndex
CREATE INDEX "campaign_creada_idx" ON "campaign"("creada");

-- A brand has one live campaign of a name. Prisma cannot express a partial index: it stands here alone.
CREATE UNIQUE INDEX "campaign_live_name_key" ON "campaign"("marca_id", "nombre_normalizado") WHERE "estado" <> 'CANCELADA';
