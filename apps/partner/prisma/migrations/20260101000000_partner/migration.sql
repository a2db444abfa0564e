-- CreateTable
CREATE TABLE "partner" (
    "id" UUID NOT NULL,
    "saga_id" UUID,
    "id_campaign" TEXT NOT NULL,
    "id_participante" TEXT,
    "nombre" TEXT NOT NULL,
    "tipo" TEXT NOT NULL,
    "informacion_perfil" TEXT NOT NULL,
    "estado" TEXT NOT NULL,
    "creado" TIMESTAMPTZ NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "partner_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "participante" (
    "id" TEXT NOT NULL,
    "suspendido" BOOLEAN NOT NULL,
    "motivo" TEXT,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "participante_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "campaign_cancelada" (
    "id_campaign" TEXT NOT NULL,
    "fecha" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "campaign_cancelada_pkey" PRIMARY KEY ("id_campaign")
);

-- CreateIndex
CREATE INDEX "partner_id_campaign_idx" ON "partner"("id_campaign");

-- A participant is in a campaign once. Prisma cannot express a partial index: it stands here alone.
CREATE UNIQUE INDEX "partner_live_participante_key" ON "partner"("id_campaign", "id_participante") WHERE "estado" = 'REGISTRADO' AND "id_participante" IS NOT NULL;
