-- CreateTable
CREATE TABLE "evento" (
    "id" UUID NOT NULL,
    "saga_id" UUID,
    "id_partner" TEXT NOT NULL,
    "id_campana" TEXT NOT NULL,
    "marca_id" TEXT NOT NULL,
    "estado" TEXT NOT NULL,
    "fecha" TIMESTAMPTZ NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "evento_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "marca" (
    "id" TEXT NOT NULL,
    "tracking_activo" BOOLEAN NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "marca_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "partner_cancelado" (
    "id_partner" TEXT NOT NULL,
    "fecha" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "partner_cancelado_pkey" PRIMARY KEY ("id_partner")
);

-- CreateIndex
CREATE INDEX "evento_id_partner_idx" ON "evento"("id_partner");
