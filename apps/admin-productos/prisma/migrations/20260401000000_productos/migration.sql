-- CreateTable
CREATE TABLE "producto" (
    "id" UUID NOT NULL,
    "numero" SERIAL NOT NULL,
    "sku" TEXT NOT NULL,
    "sku_plegado" TEXT NOT NULL,
    "nombre" TEXT NOT NULL,
    "nombre_plegado" TEXT NOT NULL,
    "descripcion" TEXT,
    "precio" DECIMAL(18,2),
    "estado" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "operacion" UUID NOT NULL,
    "creado" TIMESTAMPTZ NOT NULL,
    "actualizado" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "producto_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "siembra" (
    "nombre" TEXT NOT NULL,
    "fecha" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "siembra_pkey" PRIMARY KEY ("nombre")
);

-- CreateIndex
CREATE UNIQUE INDEX "producto_numero_key" ON "producto"("numero");

-- CreateIndex
CREATE INDEX "producto_sku_plegado_idx" ON "producto"("sku_plegado");

-- CreateIndex
CREATE INDEX "producto_nombre_plegado_idx" ON "producto"("nombre_plegado");

