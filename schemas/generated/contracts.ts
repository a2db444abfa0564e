// Generated from the .avsc files by `schemas/generate.ts`: do not edit.
import { type ContractVersion, defineContract } from '../codec/codec.ts';
import type { Contract } from '../codec/contract.ts';

/** Event: a product's name, description or price changed; the newest version is the truth. */
export interface ProductoActualizado {
  readonly id_producto: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly precio: string | null;
  readonly version: number;
  readonly fecha: Date;
}

/** Event: a product, as its owner knows it; without a price it cannot be bought. */
export interface ProductoCreado {
  readonly id_producto: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly precio: string | null;
  readonly version: number;
  readonly fecha: Date;
}

/** Command, last step of the campaign saga; it cannot be refused. */
export interface AprobarReserva {
  readonly id_campaign: string;
}

/** Event: the campaign is cancelled, whatever was registered for it goes with it. */
export interface CampaignCancelada {
  readonly id_campaign: string;
  readonly motivo: string;
  readonly fecha: Date;
}

export type TipoParticipante = 'afiliado' | 'influencer';

/** Quien participa en la campaña */
export interface Participante {
  readonly id: string;
  readonly tipo: TipoParticipante;
  readonly nombre: string;
  readonly informacion_perfil: string;
}

/** Event: the campaign is registered and waits for the rest of its saga. */
export interface CampaignRegistrada {
  readonly id_campaign: string;
  readonly nombre: string;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly presupuesto: string;
  readonly divisa: string;
  readonly marca_id: string;
  readonly participantes: readonly Participante[];
  readonly fecha: Date;
}

/** Compensation of RegistrarCampaign. */
export interface CancelarCampaign {
  readonly id_campaign: string;
  readonly motivo: string;
}

/** Command: begin the campaign saga. Its correlationid is the saga. */
export interface IniciarCampaign {
  readonly nombre: string;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly presupuesto: string;
  readonly divisa: string;
  readonly marca_id: string;
  readonly participantes: readonly Participante[];
}

/** Command, step 1 of the campaign saga. */
export interface RegistrarCampaign {
  readonly id_campaign: string;
  readonly nombre: string;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly presupuesto: string;
  readonly divisa: string;
  readonly marca_id: string;
  readonly participantes: readonly Participante[];
}

/** Failure: the campaign is not registered. */
export interface RegistroCampaignFallido {
  readonly id_campaign: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Event: the campaign is approved. */
export interface ReservaAprobada {
  readonly id_campaign: string;
  readonly fecha: Date;
}

/** Command: another name and description for an item, and another price where it has one. */
export interface ActualizarItem {
  readonly id_item: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  /** What it costs from now on; null: what it did Decimal, 18 digits, 2 of them decimals. */
  readonly precio: string | null;
  /** That of the product with this price; of no account without one */
  readonly version_producto: number;
}

/** Command: units come (or, below zero, go) for another reason than a sale; or as many as leave `disponible` available. */
export interface AjustarExistencia {
  readonly id_item: string;
  /** Of no account where `disponible` is set */
  readonly delta: number;
  /** How many are to be available afterwards */
  readonly disponible: number | null;
}

/** Command, step 4 of the purchase saga: the units leave the warehouse. */
export interface ConfirmarReserva {
  readonly id_reserva: string;
  readonly id_compra: string;
  readonly id_orden: string;
}

/** Command: a new item of the inventory, with its first units. */
export interface CrearItem {
  readonly id_item: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly precio: string | null;
  readonly cantidad: number;
}

/** Command of the saga that undoes a confirmed purchase: the units come back to the warehouse. */
export interface DevolverInventario {
  readonly id_reserva: string;
  readonly id_compra: string;
}

/** Command: an item goes; refused while anything of it is reserved. */
export interface EliminarItem {
  readonly id_item: string;
}

/** Event: units came or went. CloudEvents type inventory.stock.adjusted. */
export interface ExistenciaAjustada {
  readonly id_item: string;
  readonly sku: string;
  readonly unidades: number;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
  readonly fecha: Date;
}

/** Event: units reserved by hand are free again, asked for or expired. CloudEvents type inventory.stock.released. */
export interface ExistenciaLiberada {
  readonly id_item: string;
  readonly sku: string;
  readonly unidades: number;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
  readonly fecha: Date;
}

/** Event: units were reserved by hand. CloudEvents type inventory.stock.reserved. */
export interface ExistenciaReservada {
  readonly id_reserva: string;
  readonly id_item: string;
  readonly sku: string;
  readonly unidades: number;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
  readonly fecha: Date;
}

/** Units of an item at one warehouse */
export interface LineaEnBodega {
  readonly id_item: string;
  readonly bodega: string;
  readonly cantidad: number;
}

/** What there is of an item after this: the newest version is the truth */
export interface Existencia {
  readonly id_item: string;
  readonly sku: string;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
}

/** Event: the units of an undone purchase are back in the warehouse. */
export interface InventarioDevuelto {
  readonly id_reserva: string;
  readonly id_compra: string;
  readonly lineas: readonly LineaEnBodega[];
  readonly existencias: readonly Existencia[];
  readonly fecha: Date;
}

/** Event: what the reservation still held is free again. */
export interface InventarioLiberado {
  readonly id_reserva: string;
  readonly motivo: string;
  readonly existencias: readonly Existencia[];
  readonly fecha: Date;
}

/** Event: the units are set aside for the purchase until `vence`. */
export interface InventarioReservado {
  readonly id_reserva: string;
  readonly id_compra: string;
  readonly lineas: readonly LineaEnBodega[];
  readonly existencias: readonly Existencia[];
  readonly vence: Date;
  readonly fecha: Date;
}

/** A line with the item that was found, and its price */
export interface LineaValidada {
  readonly id_item: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly cantidad: number;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly precio_unitario: string;
}

/** Event: every product is there, and this is its price. Lines of one product are merged. */
export interface InventarioValidado {
  readonly id_compra: string;
  readonly lineas: readonly LineaValidada[];
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly total: string;
  readonly fecha: Date;
}

/** Event: an item's name or description changed. CloudEvents type inventory.items.updated. */
export interface ItemActualizado {
  readonly id_item: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
  readonly creado: Date;
  readonly fecha: Date;
}

/** Event: a new item. CloudEvents type inventory.items.created. */
export interface ItemCreado {
  readonly id_item: string;
  readonly numero: number;
  readonly sku: string;
  readonly nombre: string;
  readonly descripcion: string | null;
  readonly cantidad: number;
  readonly reservada: number;
  readonly version: number;
  readonly creado: Date;
  readonly fecha: Date;
}

/** Event: an item is gone, its SKU and name free again. CloudEvents type inventory.items.deleted. */
export interface ItemEliminado {
  readonly id_item: string;
  readonly sku: string;
  readonly version: number;
  readonly fecha: Date;
}

/** Command: units that were reserved by hand are free again, the oldest reservation first. */
export interface LiberarExistencia {
  readonly id_item: string;
  readonly cantidad: number;
}

/** Compensation of ReservarInventario: the units are free again. */
export interface LiberarInventario {
  readonly id_reserva: string;
  readonly motivo: string;
}

/** Failure of any command about one item. */
export interface OperacionInventarioRechazada {
  readonly id_item: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Event: the units have left the warehouse. */
export interface ReservaConfirmada {
  readonly id_reserva: string;
  readonly id_compra: string;
  readonly id_orden: string;
  readonly lineas: readonly LineaEnBodega[];
  readonly existencias: readonly Existencia[];
  readonly fecha: Date;
}

/** A product that is missing or short */
export interface Faltante {
  readonly producto: string;
  readonly pedido: number;
  readonly disponible: number;
}

/** Failure: the stock went between validation and reservation; every short line is listed. */
export interface ReservaInventarioFallida {
  readonly id_reserva: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly faltantes: readonly Faltante[];
  readonly fecha: Date;
}

/** Event: the time to live of a saga's reservation has run out. Only its saga releases it. */
export interface ReservaVencida {
  readonly id_reserva: string;
  readonly id_compra: string;
  readonly fecha: Date;
}

/** Command: a reservation by hand. It expires by itself. */
export interface ReservarExistencia {
  readonly id_item: string;
  readonly id_reserva: string;
  readonly cantidad: number;
}

/** Units of an item to set aside */
export interface LineaReserva {
  readonly id_item: string;
  readonly cantidad: number;
}

/** Command, step 2 of the purchase saga: set the units aside. */
export interface ReservarInventario {
  readonly id_reserva: string;
  readonly id_compra: string;
  readonly lineas: readonly LineaReserva[];
  /** Until when it may wait for its order, where that is sooner than others expire; null: as long as any */
  readonly vence: Date | null;
}

/** Failure: products are missing or short (all of them are listed), or have no price. */
export interface ValidacionInventarioFallida {
  readonly id_compra: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly faltantes: readonly Faltante[];
  readonly fecha: Date;
}

/** What a buyer wants: a product by id, number, SKU or name, and how many of it */
export interface LineaPedida {
  readonly producto: string;
  readonly cantidad: number;
}

/** Command, step 1 of the purchase saga: are the products there, and at what price? It changes nothing. */
export interface ValidarInventario {
  readonly id_compra: string;
  readonly lineas: readonly LineaPedida[];
}

/** Event: the purchase saga reached its goal. */
export interface CompraConfirmada {
  readonly id_compra: string;
  readonly id_orden: string;
  readonly id_usuario: string;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly total: string;
}

/** Event: the purchase saga was undone, and why; ordenes records a rejected order from it. */
export interface CompraRechazada {
  readonly id_compra: string;
  readonly id_orden: string;
  readonly id_usuario: string;
  readonly domicilio: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly faltantes: readonly Faltante[];
  readonly lineas: readonly LineaPedida[];
}

/** Command: begin the purchase saga. Its correlationid is the saga, and the purchase. */
export interface IniciarCompra {
  readonly id_usuario: string;
  readonly domicilio: string;
  readonly lineas: readonly LineaPedida[];
  /** Until when its reservation may wait for its order; null: as long as any */
  readonly vence: Date | null;
}

/** Failure: the order is on its way already. */
export interface AnulacionOrdenFallida {
  readonly id_orden: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Command, the pivot of the saga that undoes a confirmed purchase. */
export interface AnularOrden {
  readonly id_orden: string;
  readonly id_compra: string;
}

/** Compensation of CrearOrden. Cancelled is final, whatever comes later. */
export interface CancelarOrden {
  readonly id_orden: string;
  readonly motivo: string;
}

/** Failure: the customer is inactive, or the total above the customer's limit. */
export interface CreacionOrdenFallida {
  readonly id_orden: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** A line of an order, at the price that was validated */
export interface LineaOrden {
  readonly id_item: string;
  readonly numero: number;
  readonly nombre: string;
  readonly cantidad: number;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly precio_unitario: string;
}

/** Command, step 3 (the pivot) of the purchase saga. */
export interface CrearOrden {
  readonly id_orden: string;
  readonly id_compra: string;
  readonly id_usuario: string;
  readonly domicilio: string;
  readonly lineas: readonly LineaOrden[];
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly total: string;
}

/** Event: the confirmed order is cancelled. */
export interface OrdenAnulada {
  readonly id_orden: string;
  readonly id_compra: string;
  readonly fecha: Date;
}

/** Event: the order is cancelled. */
export interface OrdenCancelada {
  readonly id_orden: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Event: the order's stock has left the warehouse. */
export interface OrdenConfirmada {
  readonly id_orden: string;
  readonly id_compra: string;
  readonly fecha: Date;
}

/** Event: the order is there, PENDING until its stock has left the warehouse. */
export interface OrdenCreada {
  readonly id_orden: string;
  readonly id_compra: string;
  /** Decimal, 18 digits, 2 of them decimals. */
  readonly total: string;
  readonly fecha: Date;
}

/** Compensation of RegistrarPartner. */
export interface CancelarPartner {
  readonly id_partner: string;
  readonly motivo: string;
}

/** Event: the partner is cancelled; its eventos go with it. */
export interface PartnerCancelado {
  readonly id_partner: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Event: the partner is registered. */
export interface PartnerRegistrado {
  readonly id_partner: string;
  readonly id_campaign: string;
  readonly id_participante: string | null;
  readonly nombre: string;
  readonly tipo: TipoParticipante;
  readonly informacion_perfil: string;
  readonly fecha: Date;
}

/** Command, step 2 of the campaign saga, one per participante; or a partner registered alone. */
export interface RegistrarPartner {
  readonly id_partner: string;
  readonly id_campaign: string;
  readonly id_participante: string | null;
  readonly nombre: string;
  readonly tipo: TipoParticipante;
  readonly informacion_perfil: string;
}

/** Failure: the partner is not registered. */
export interface RegistroPartnerFallido {
  readonly id_partner: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Compensation of RegistrarEvento. */
export interface CancelarEvento {
  readonly id_evento: string;
  readonly motivo: string;
}

/** Event: the evento is cancelled. */
export interface EventoCancelado {
  readonly id_evento: string;
  readonly motivo: string;
  readonly fecha: Date;
}

/** Event: the evento is registered. */
export interface EventoRegistrado {
  readonly id_evento: string;
  readonly id_partner: string;
  readonly id_campana: string;
  readonly marca_id: string;
  readonly fecha: Date;
}

/** Command, step 3 of the campaign saga, one per partner; or an evento registered alone. */
export interface RegistrarEvento {
  readonly id_evento: string;
  readonly id_partner: string;
  readonly id_campana: string;
  readonly marca_id: string;
}

/** Failure: the evento is not registered. */
export interface RegistroEventoFallido {
  readonly id_evento: string;
  readonly codigo: string;
  readonly motivo: string;
  readonly fecha: Date;
}

const PRODUCTO_ACTUALIZADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '8d05d3cb906cd193', schema: {"type":"record","name":"ProductoActualizado","namespace":"cordada.admin_productos","doc":"Event: a product's name, description or price changed; the newest version is the truth.","fields":[{"name":"id_producto","type":"string"},{"name":"numero","type":"int"},{"name":"sku","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null},{"name":"precio","type":["null",{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}],"default":null},{"name":"version","type":"int"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const PRODUCTO_CREADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'e2a0f3c34db32f4f', schema: {"type":"record","name":"ProductoCreado","namespace":"cordada.admin_productos","doc":"Event: a product, as its owner knows it; without a price it cannot be bought.","fields":[{"name":"id_producto","type":"string"},{"name":"numero","type":"int"},{"name":"sku","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null},{"name":"precio","type":["null",{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}],"default":null},{"name":"version","type":"int"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const APROBAR_RESERVA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'c34e3b57e481d79b', schema: {"type":"record","name":"AprobarReserva","namespace":"cordada.campaign","doc":"Command, last step of the campaign saga; it cannot be refused.","fields":[{"name":"id_campaign","type":"string"}]} },
];

const CAMPAIGN_CANCELADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '4b0f054dfb206f64', schema: {"type":"record","name":"CampaignCancelada","namespace":"cordada.campaign","doc":"Event: the campaign is cancelled, whatever was registered for it goes with it.","fields":[{"name":"id_campaign","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const CAMPAIGN_REGISTRADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'f7459737faee6a95', schema: {"type":"record","name":"CampaignRegistrada","namespace":"cordada.campaign","doc":"Event: the campaign is registered and waits for the rest of its saga.","fields":[{"name":"id_campaign","type":"string"},{"name":"nombre","type":"string"},{"name":"presupuesto","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"divisa","type":"string"},{"name":"marca_id","type":"string"},{"name":"participantes","type":{"type":"array","items":{"type":"record","name":"Participante","namespace":"cordada.campaign","doc":"Quien participa en la campaña","fields":[{"name":"id","type":"string"},{"name":"tipo","type":{"type":"enum","name":"TipoParticipante","namespace":"cordada.campaign","symbols":["afiliado","influencer"]}},{"name":"nombre","type":"string"},{"name":"informacion_perfil","type":"string"}]}}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const CANCELAR_CAMPAIGN_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'b67c16c8b5ebc73a', schema: {"type":"record","name":"CancelarCampaign","namespace":"cordada.campaign","doc":"Compensation of RegistrarCampaign.","fields":[{"name":"id_campaign","type":"string"},{"name":"motivo","type":"string"}]} },
];

const INICIAR_CAMPAIGN_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '98834e18b81885f9', schema: {"type":"record","name":"IniciarCampaign","namespace":"cordada.campaign","doc":"Command: begin the campaign saga. Its correlationid is the saga.","fields":[{"name":"nombre","type":"string"},{"name":"presupuesto","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"divisa","type":"string"},{"name":"marca_id","type":"string"},{"name":"participantes","type":{"type":"array","items":{"type":"record","name":"Participante","namespace":"cordada.campaign","doc":"Quien participa en la campaña","fields":[{"name":"id","type":"string"},{"name":"tipo","type":{"type":"enum","name":"TipoParticipante","namespace":"cordada.campaign","symbols":["afiliado","influencer"]}},{"name":"nombre","type":"string"},{"name":"informacion_perfil","type":"string"}]}}}]} },
];

const REGISTRAR_CAMPAIGN_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'b1217015a27a2a05', schema: {"type":"record","name":"RegistrarCampaign","namespace":"cordada.campaign","doc":"Command, step 1 of the campaign saga.","fields":[{"name":"id_campaign","type":"string"},{"name":"nombre","type":"string"},{"name":"presupuesto","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"divisa","type":"string"},{"name":"marca_id","type":"string"},{"name":"participantes","type":{"type":"array","items":{"type":"record","name":"Participante","namespace":"cordada.campaign","doc":"Quien participa en la campaña","fields":[{"name":"id","type":"string"},{"name":"tipo","type":{"type":"enum","name":"TipoParticipante","namespace":"cordada.campaign","symbols":["afiliado","influencer"]}},{"name":"nombre","type":"string"},{"name":"informacion_perfil","type":"string"}]}}}]} },
];

const REGISTRO_CAMPAIGN_FALLIDO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '20475f3ad1c4c587', schema: {"type":"record","name":"RegistroCampaignFallido","namespace":"cordada.campaign","doc":"Failure: the campaign is not registered.","fields":[{"name":"id_campaign","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const RESERVA_APROBADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '93fcbd7d5f2d06a4', schema: {"type":"record","name":"ReservaAprobada","namespace":"cordada.campaign","doc":"Event: the campaign is approved.","fields":[{"name":"id_campaign","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ACTUALIZAR_ITEM_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '633bae899590fec5', schema: {"type":"record","name":"ActualizarItem","namespace":"cordada.consolidador","doc":"Command: another name and description for an item.","fields":[{"name":"id_item","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null}]} },
  { version: '1.1', fingerprint: '06ae2ad75d5be01f', schema: {"type":"record","name":"ActualizarItem","namespace":"cordada.consolidador","doc":"Command: another name and description for an item, and another price where it has one.","fields":[{"name":"id_item","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null},{"name":"precio","doc":"What it costs from now on; null: what it did","type":["null",{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}],"default":null},{"name":"version_producto","doc":"That of the product with this price; of no account without one","type":"int","default":0}]} },
];

const AJUSTAR_EXISTENCIA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '4b64f8d66f58d569', schema: {"type":"record","name":"AjustarExistencia","namespace":"cordada.consolidador","doc":"Command: units come (or, below zero, go) for another reason than a sale.","fields":[{"name":"id_item","type":"string"},{"name":"delta","type":"int"}]} },
  { version: '1.1', fingerprint: 'ab8a414cf5772705', schema: {"type":"record","name":"AjustarExistencia","namespace":"cordada.consolidador","doc":"Command: units come (or, below zero, go) for another reason than a sale; or as many as leave `disponible` available.","fields":[{"name":"id_item","type":"string"},{"name":"delta","type":"int","doc":"Of no account where `disponible` is set"},{"name":"disponible","type":["null","int"],"default":null,"doc":"How many are to be available afterwards"}]} },
];

const CONFIRMAR_RESERVA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '72e3a945eeca36a9', schema: {"type":"record","name":"ConfirmarReserva","namespace":"cordada.consolidador","doc":"Command, step 4 of the purchase saga: the units leave the warehouse.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"id_orden","type":"string"}]} },
];

const CREAR_ITEM_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '5171b79f1c6d40b3', schema: {"type":"record","name":"CrearItem","namespace":"cordada.consolidador","doc":"Command: a new item of the inventory, with its first units.","fields":[{"name":"id_item","type":"string"},{"name":"numero","type":"int"},{"name":"sku","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null},{"name":"precio","type":["null",{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}],"default":null},{"name":"cantidad","type":"int"}]} },
];

const DEVOLVER_INVENTARIO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '177f4b1bf183fcf4', schema: {"type":"record","name":"DevolverInventario","namespace":"cordada.consolidador","doc":"Command of the saga that undoes a confirmed purchase: the units come back to the warehouse.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"}]} },
];

const ELIMINAR_ITEM_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'ace557c30981faa8', schema: {"type":"record","name":"EliminarItem","namespace":"cordada.consolidador","doc":"Command: an item goes; refused while anything of it is reserved.","fields":[{"name":"id_item","type":"string"}]} },
];

const EXISTENCIA_AJUSTADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '9bc8d3c3555d6e8b', schema: {"type":"record","name":"ExistenciaAjustada","namespace":"cordada.consolidador","doc":"Event: units came or went. CloudEvents type inventory.stock.adjusted.","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"unidades","type":"int"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const EXISTENCIA_LIBERADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'ffb03e824c66c350', schema: {"type":"record","name":"ExistenciaLiberada","namespace":"cordada.consolidador","doc":"Event: units reserved by hand are free again, asked for or expired. CloudEvents type inventory.stock.released.","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"unidades","type":"int"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const EXISTENCIA_RESERVADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '482498da6eb77008', schema: {"type":"record","name":"ExistenciaReservada","namespace":"cordada.consolidador","doc":"Event: units were reserved by hand. CloudEvents type inventory.stock.reserved.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"unidades","type":"int"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const INVENTARIO_DEVUELTO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '84935f6abeaf9a81', schema: {"type":"record","name":"InventarioDevuelto","namespace":"cordada.consolidador","doc":"Event: the units of an undone purchase are back in the warehouse.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaEnBodega","namespace":"cordada.consolidador","doc":"Units of an item at one warehouse","fields":[{"name":"id_item","type":"string"},{"name":"bodega","type":"string"},{"name":"cantidad","type":"int"}]}}},{"name":"existencias","type":{"type":"array","items":{"type":"record","name":"Existencia","namespace":"cordada.consolidador","doc":"What there is of an item after this: the newest version is the truth","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"}]}}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const INVENTARIO_LIBERADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'b0c3dd0e987057dd', schema: {"type":"record","name":"InventarioLiberado","namespace":"cordada.consolidador","doc":"Event: what the reservation still held is free again.","fields":[{"name":"id_reserva","type":"string"},{"name":"motivo","type":"string"},{"name":"existencias","type":{"type":"array","items":{"type":"record","name":"Existencia","namespace":"cordada.consolidador","doc":"What there is of an item after this: the newest version is the truth","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"}]}}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const INVENTARIO_RESERVADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '3ea2a47fccb692b3', schema: {"type":"record","name":"InventarioReservado","namespace":"cordada.consolidador","doc":"Event: the units are set aside for the purchase until `vence`.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaEnBodega","namespace":"cordada.consolidador","doc":"Units of an item at one warehouse","fields":[{"name":"id_item","type":"string"},{"name":"bodega","type":"string"},{"name":"cantidad","type":"int"}]}}},{"name":"existencias","type":{"type":"array","items":{"type":"record","name":"Existencia","namespace":"cordada.consolidador","doc":"What there is of an item after this: the newest version is the truth","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"}]}}},{"name":"vence","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const INVENTARIO_VALIDADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'c4c23b498e83ea41', schema: {"type":"record","name":"InventarioValidado","namespace":"cordada.consolidador","doc":"Event: every product is there, and this is its price. Lines of one product are merged.","fields":[{"name":"id_compra","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaValidada","namespace":"cordada.consolidador","doc":"A line with the item that was found, and its price","fields":[{"name":"id_item","type":"string"},{"name":"numero","type":"int"},{"name":"sku","type":"string"},{"name":"nombre","type":"string"},{"name":"cantidad","type":"int"},{"name":"precio_unitario","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}]}}},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ITEM_ACTUALIZADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'afc242838a44221e', schema: {"type":"record","name":"ItemActualizado","namespace":"cordada.consolidador","doc":"Event: an item's name or description changed. CloudEvents type inventory.items.updated.","fields":[{"name":"id_item","type":"string"},{"name":"numero","type":"int"},{"name":"sku","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"},{"name":"creado","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ITEM_CREADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '37b9ba0313cf364a', schema: {"type":"record","name":"ItemCreado","namespace":"cordada.consolidador","doc":"Event: a new item. CloudEvents type inventory.items.created.","fields":[{"name":"id_item","type":"string"},{"name":"numero","type":"int"},{"name":"sku","type":"string"},{"name":"nombre","type":"string"},{"name":"descripcion","type":["null","string"],"default":null},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"},{"name":"creado","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ITEM_ELIMINADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '196b7548656af49a', schema: {"type":"record","name":"ItemEliminado","namespace":"cordada.consolidador","doc":"Event: an item is gone, its SKU and name free again. CloudEvents type inventory.items.deleted.","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"version","type":"int"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const LIBERAR_EXISTENCIA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'cf5335aa18fddc6c', schema: {"type":"record","name":"LiberarExistencia","namespace":"cordada.consolidador","doc":"Command: units that were reserved by hand are free again, the oldest reservation first.","fields":[{"name":"id_item","type":"string"},{"name":"cantidad","type":"int"}]} },
];

const LIBERAR_INVENTARIO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '90e06e9c0f6ad8ff', schema: {"type":"record","name":"LiberarInventario","namespace":"cordada.consolidador","doc":"Compensation of ReservarInventario: the units are free again.","fields":[{"name":"id_reserva","type":"string"},{"name":"motivo","type":"string"}]} },
];

const OPERACION_INVENTARIO_RECHAZADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '90368ef6f6422eec', schema: {"type":"record","name":"OperacionInventarioRechazada","namespace":"cordada.consolidador","doc":"Failure of any command about one item.","fields":[{"name":"id_item","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const RESERVA_CONFIRMADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '7ce65ef5b69589cb', schema: {"type":"record","name":"ReservaConfirmada","namespace":"cordada.consolidador","doc":"Event: the units have left the warehouse.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"id_orden","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaEnBodega","namespace":"cordada.consolidador","doc":"Units of an item at one warehouse","fields":[{"name":"id_item","type":"string"},{"name":"bodega","type":"string"},{"name":"cantidad","type":"int"}]}}},{"name":"existencias","type":{"type":"array","items":{"type":"record","name":"Existencia","namespace":"cordada.consolidador","doc":"What there is of an item after this: the newest version is the truth","fields":[{"name":"id_item","type":"string"},{"name":"sku","type":"string"},{"name":"cantidad","type":"int"},{"name":"reservada","type":"int"},{"name":"version","type":"int"}]}}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const RESERVA_INVENTARIO_FALLIDA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '726d401c4825c3ae', schema: {"type":"record","name":"ReservaInventarioFallida","namespace":"cordada.consolidador","doc":"Failure: the stock went between validation and reservation; every short line is listed.","fields":[{"name":"id_reserva","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"faltantes","type":{"type":"array","items":{"type":"record","name":"Faltante","namespace":"cordada.consolidador","doc":"A product that is missing or short","fields":[{"name":"producto","type":"string"},{"name":"pedido","type":"int"},{"name":"disponible","type":"int"}]}}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const RESERVA_VENCIDA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'aa8b983232c6453a', schema: {"type":"record","name":"ReservaVencida","namespace":"cordada.consolidador","doc":"Event: the time to live of a saga's reservation has run out. Only its saga releases it.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const RESERVAR_EXISTENCIA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'c584d9ca93d93c29', schema: {"type":"record","name":"ReservarExistencia","namespace":"cordada.consolidador","doc":"Command: a reservation by hand. It expires by itself.","fields":[{"name":"id_item","type":"string"},{"name":"id_reserva","type":"string"},{"name":"cantidad","type":"int"}]} },
];

const RESERVAR_INVENTARIO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'fb3140ee40cab8a3', schema: {"type":"record","name":"ReservarInventario","namespace":"cordada.consolidador","doc":"Command, step 2 of the purchase saga: set the units aside.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaReserva","namespace":"cordada.consolidador","doc":"Units of an item to set aside","fields":[{"name":"id_item","type":"string"},{"name":"cantidad","type":"int"}]}}}]} },
  { version: '1.1', fingerprint: '1c64f9d5dd1afefd', schema: {"type":"record","name":"ReservarInventario","namespace":"cordada.consolidador","doc":"Command, step 2 of the purchase saga: set the units aside.","fields":[{"name":"id_reserva","type":"string"},{"name":"id_compra","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaReserva","namespace":"cordada.consolidador","doc":"Units of an item to set aside","fields":[{"name":"id_item","type":"string"},{"name":"cantidad","type":"int"}]}}},{"name":"vence","doc":"Until when it may wait for its order, where that is sooner than others expire; null: as long as any","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null}]} },
];

const VALIDACION_INVENTARIO_FALLIDA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '41e526d3b8fbc9bd', schema: {"type":"record","name":"ValidacionInventarioFallida","namespace":"cordada.consolidador","doc":"Failure: products are missing or short (all of them are listed), or have no price.","fields":[{"name":"id_compra","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"faltantes","type":{"type":"array","items":{"type":"record","name":"Faltante","namespace":"cordada.consolidador","doc":"A product that is missing or short","fields":[{"name":"producto","type":"string"},{"name":"pedido","type":"int"},{"name":"disponible","type":"int"}]}}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const VALIDAR_INVENTARIO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '4b1ef64756ce013c', schema: {"type":"record","name":"ValidarInventario","namespace":"cordada.consolidador","doc":"Command, step 1 of the purchase saga: are the products there, and at what price? It changes nothing.","fields":[{"name":"id_compra","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaPedida","namespace":"cordada.consolidador","doc":"What a buyer wants: a product by id, number, SKU or name, and how many of it","fields":[{"name":"producto","type":"string"},{"name":"cantidad","type":"int"}]}}}]} },
];

const COMPRA_CONFIRMADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '79a16c67246e7076', schema: {"type":"record","name":"CompraConfirmada","namespace":"cordada.gestor_compra","doc":"Event: the purchase saga reached its goal.","fields":[{"name":"id_compra","type":"string"},{"name":"id_orden","type":"string"},{"name":"id_usuario","type":"string"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}]} },
];

const COMPRA_RECHAZADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '715764a287dce82a', schema: {"type":"record","name":"CompraRechazada","namespace":"cordada.gestor_compra","doc":"Event: the purchase saga was undone, and why; ordenes records a rejected order from it.","fields":[{"name":"id_compra","type":"string"},{"name":"id_orden","type":"string"},{"name":"id_usuario","type":"string"},{"name":"domicilio","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"faltantes","type":{"type":"array","items":{"type":"record","name":"Faltante","namespace":"cordada.gestor_compra","doc":"A product that is missing or short","fields":[{"name":"producto","type":"string"},{"name":"pedido","type":"int"},{"name":"disponible","type":"int"}]}}},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaPedida","namespace":"cordada.gestor_compra","doc":"What a buyer wants: a product by id, number, SKU or name, and how many of it","fields":[{"name":"producto","type":"string"},{"name":"cantidad","type":"int"}]}}}]} },
];

const INICIAR_COMPRA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '563e6dbebce4f6e5', schema: {"type":"record","name":"IniciarCompra","namespace":"cordada.gestor_compra","doc":"Command: begin the purchase saga. Its correlationid is the saga, and the purchase.","fields":[{"name":"id_usuario","type":"string"},{"name":"domicilio","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaPedida","namespace":"cordada.gestor_compra","doc":"What a buyer wants: a product by id, number, SKU or name, and how many of it","fields":[{"name":"producto","type":"string"},{"name":"cantidad","type":"int"}]}}}]} },
  { version: '1.1', fingerprint: '86bece1f2775578e', schema: {"type":"record","name":"IniciarCompra","namespace":"cordada.gestor_compra","doc":"Command: begin the purchase saga. Its correlationid is the saga, and the purchase.","fields":[{"name":"id_usuario","type":"string"},{"name":"domicilio","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaPedida","namespace":"cordada.gestor_compra","doc":"What a buyer wants: a product by id, number, SKU or name, and how many of it","fields":[{"name":"producto","type":"string"},{"name":"cantidad","type":"int"}]}}},{"name":"vence","doc":"Until when its reservation may wait for its order; null: as long as any","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null}]} },
];

const ANULACION_ORDEN_FALLIDA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '6dae5e367c5507a3', schema: {"type":"record","name":"AnulacionOrdenFallida","namespace":"cordada.ordenes","doc":"Failure: the order is on its way already.","fields":[{"name":"id_orden","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ANULAR_ORDEN_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '2ce6564be8e94505', schema: {"type":"record","name":"AnularOrden","namespace":"cordada.ordenes","doc":"Command, the pivot of the saga that undoes a confirmed purchase.","fields":[{"name":"id_orden","type":"string"},{"name":"id_compra","type":"string"}]} },
];

const CANCELAR_ORDEN_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '5561f9d9d8e71b8b', schema: {"type":"record","name":"CancelarOrden","namespace":"cordada.ordenes","doc":"Compensation of CrearOrden. Cancelled is final, whatever comes later.","fields":[{"name":"id_orden","type":"string"},{"name":"motivo","type":"string"}]} },
];

const CREACION_ORDEN_FALLIDA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '7928dda34eb9e974', schema: {"type":"record","name":"CreacionOrdenFallida","namespace":"cordada.ordenes","doc":"Failure: the customer is inactive, or the total above the customer's limit.","fields":[{"name":"id_orden","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const CREAR_ORDEN_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '4c712bd68522a64a', schema: {"type":"record","name":"CrearOrden","namespace":"cordada.ordenes","doc":"Command, step 3 (the pivot) of the purchase saga.","fields":[{"name":"id_orden","type":"string"},{"name":"id_compra","type":"string"},{"name":"id_usuario","type":"string"},{"name":"domicilio","type":"string"},{"name":"lineas","type":{"type":"array","items":{"type":"record","name":"LineaOrden","namespace":"cordada.ordenes","doc":"A line of an order, at the price that was validated","fields":[{"name":"id_item","type":"string"},{"name":"numero","type":"int"},{"name":"nombre","type":"string"},{"name":"cantidad","type":"int"},{"name":"precio_unitario","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}]}}},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}}]} },
];

const ORDEN_ANULADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'c0c5262f9867f1a6', schema: {"type":"record","name":"OrdenAnulada","namespace":"cordada.ordenes","doc":"Event: the confirmed order is cancelled.","fields":[{"name":"id_orden","type":"string"},{"name":"id_compra","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ORDEN_CANCELADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'c264b39232aea0cd', schema: {"type":"record","name":"OrdenCancelada","namespace":"cordada.ordenes","doc":"Event: the order is cancelled.","fields":[{"name":"id_orden","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ORDEN_CONFIRMADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'e99d051215cb3c0e', schema: {"type":"record","name":"OrdenConfirmada","namespace":"cordada.ordenes","doc":"Event: the order's stock has left the warehouse.","fields":[{"name":"id_orden","type":"string"},{"name":"id_compra","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const ORDEN_CREADA_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '6c5967a43eb7ab14', schema: {"type":"record","name":"OrdenCreada","namespace":"cordada.ordenes","doc":"Event: the order is there, PENDING until its stock has left the warehouse.","fields":[{"name":"id_orden","type":"string"},{"name":"id_compra","type":"string"},{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const CANCELAR_PARTNER_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'd7bb034d62a0b705', schema: {"type":"record","name":"CancelarPartner","namespace":"cordada.partner","doc":"Compensation of RegistrarPartner.","fields":[{"name":"id_partner","type":"string"},{"name":"motivo","type":"string"}]} },
];

const PARTNER_CANCELADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '7155592ee525b230', schema: {"type":"record","name":"PartnerCancelado","namespace":"cordada.partner","doc":"Event: the partner is cancelled; its eventos go with it.","fields":[{"name":"id_partner","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const PARTNER_REGISTRADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '56ec687d4ac8e000', schema: {"type":"record","name":"PartnerRegistrado","namespace":"cordada.partner","doc":"Event: the partner is registered.","fields":[{"name":"id_partner","type":"string"},{"name":"id_campaign","type":"string"},{"name":"id_participante","type":["null","string"],"default":null},{"name":"nombre","type":"string"},{"name":"tipo","type":{"type":"enum","name":"TipoParticipante","namespace":"cordada.partner","symbols":["afiliado","influencer"]}},{"name":"informacion_perfil","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const REGISTRAR_PARTNER_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'a5f16cf9a9f8f024', schema: {"type":"record","name":"RegistrarPartner","namespace":"cordada.partner","doc":"Command, step 2 of the campaign saga, one per participante; or a partner registered alone.","fields":[{"name":"id_partner","type":"string"},{"name":"id_campaign","type":"string"},{"name":"id_participante","type":["null","string"],"default":null},{"name":"nombre","type":"string"},{"name":"tipo","type":{"type":"enum","name":"TipoParticipante","namespace":"cordada.partner","symbols":["afiliado","influencer"]}},{"name":"informacion_perfil","type":"string"}]} },
];

const REGISTRO_PARTNER_FALLIDO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'f1d1d17114ce6a6c', schema: {"type":"record","name":"RegistroPartnerFallido","namespace":"cordada.partner","doc":"Failure: the partner is not registered.","fields":[{"name":"id_partner","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const CANCELAR_EVENTO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '9cf6d78409fce60a', schema: {"type":"record","name":"CancelarEvento","namespace":"cordada.tracking","doc":"Compensation of RegistrarEvento.","fields":[{"name":"id_evento","type":"string"},{"name":"motivo","type":"string"}]} },
];

const EVENTO_CANCELADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'ad5a55a63f31b543', schema: {"type":"record","name":"EventoCancelado","namespace":"cordada.tracking","doc":"Event: the evento is cancelled.","fields":[{"name":"id_evento","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const EVENTO_REGISTRADO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '9b8c58602b25e83a', schema: {"type":"record","name":"EventoRegistrado","namespace":"cordada.tracking","doc":"Event: the evento is registered.","fields":[{"name":"id_evento","type":"string"},{"name":"id_partner","type":"string"},{"name":"id_campana","type":"string"},{"name":"marca_id","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

const REGISTRAR_EVENTO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: '7e3f925b76e4594a', schema: {"type":"record","name":"RegistrarEvento","namespace":"cordada.tracking","doc":"Command, step 3 of the campaign saga, one per partner; or an evento registered alone.","fields":[{"name":"id_evento","type":"string"},{"name":"id_partner","type":"string"},{"name":"id_campana","type":"string"},{"name":"marca_id","type":"string"}]} },
];

const REGISTRO_EVENTO_FALLIDO_VERSIONS: readonly ContractVersion[] = [
  { version: '1.0', fingerprint: 'be4a40cb74c63cbb', schema: {"type":"record","name":"RegistroEventoFallido","namespace":"cordada.tracking","doc":"Failure: the evento is not registered.","fields":[{"name":"id_evento","type":"string"},{"name":"codigo","type":"string"},{"name":"motivo","type":"string"},{"name":"fecha","type":{"type":"long","logicalType":"timestamp-millis"}}]} },
];

/** Every contract, by its name. */
export const contracts = {
  ProductoActualizado: defineContract<ProductoActualizado>('admin-productos', 'ProductoActualizado', 'admin-productos/ProductoActualizado.v1', PRODUCTO_ACTUALIZADO_VERSIONS),
  ProductoCreado: defineContract<ProductoCreado>('admin-productos', 'ProductoCreado', 'admin-productos/ProductoCreado.v1', PRODUCTO_CREADO_VERSIONS),
  AprobarReserva: defineContract<AprobarReserva>('campaign', 'AprobarReserva', 'campaign/AprobarReserva.v1', APROBAR_RESERVA_VERSIONS),
  CampaignCancelada: defineContract<CampaignCancelada>('campaign', 'CampaignCancelada', 'campaign/CampaignCancelada.v1', CAMPAIGN_CANCELADA_VERSIONS),
  CampaignRegistrada: defineContract<CampaignRegistrada>('campaign', 'CampaignRegistrada', 'campaign/CampaignRegistrada.v1', CAMPAIGN_REGISTRADA_VERSIONS),
  CancelarCampaign: defineContract<CancelarCampaign>('campaign', 'CancelarCampaign', 'campaign/CancelarCampaign.v1', CANCELAR_CAMPAIGN_VERSIONS),
  IniciarCampaign: defineContract<IniciarCampaign>('campaign', 'IniciarCampaign', 'campaign/IniciarCampaign.v1', INICIAR_CAMPAIGN_VERSIONS),
  RegistrarCampaign: defineContract<RegistrarCampaign>('campaign', 'RegistrarCampaign', 'campaign/RegistrarCampaign.v1', REGISTRAR_CAMPAIGN_VERSIONS),
  RegistroCampaignFallido: defineContract<RegistroCampaignFallido>('campaign', 'RegistroCampaignFallido', 'campaign/RegistroCampaignFallido.v1', REGISTRO_CAMPAIGN_FALLIDO_VERSIONS),
  ReservaAprobada: defineContract<ReservaAprobada>('campaign', 'ReservaAprobada', 'campaign/ReservaAprobada.v1', RESERVA_APROBADA_VERSIONS),
  ActualizarItem: defineContract<ActualizarItem>('consolidador', 'ActualizarItem', 'consolidador/ActualizarItem.v1', ACTUALIZAR_ITEM_VERSIONS),
  AjustarExistencia: defineContract<AjustarExistencia>('consolidador', 'AjustarExistencia', 'consolidador/AjustarExistencia.v1', AJUSTAR_EXISTENCIA_VERSIONS),
  ConfirmarReserva: defineContract<ConfirmarReserva>('consolidador', 'ConfirmarReserva', 'consolidador/ConfirmarReserva.v1', CONFIRMAR_RESERVA_VERSIONS),
  CrearItem: defineContract<CrearItem>('consolidador', 'CrearItem', 'consolidador/CrearItem.v1', CREAR_ITEM_VERSIONS),
  DevolverInventario: defineContract<DevolverInventario>('consolidador', 'DevolverInventario', 'consolidador/DevolverInventario.v1', DEVOLVER_INVENTARIO_VERSIONS),
  EliminarItem: defineContract<EliminarItem>('consolidador', 'EliminarItem', 'consolidador/EliminarItem.v1', ELIMINAR_ITEM_VERSIONS),
  ExistenciaAjustada: defineContract<ExistenciaAjustada>('consolidador', 'ExistenciaAjustada', 'consolidador/ExistenciaAjustada.v1', EXISTENCIA_AJUSTADA_VERSIONS),
  ExistenciaLiberada: defineContract<ExistenciaLiberada>('consolidador', 'ExistenciaLiberada', 'consolidador/ExistenciaLiberada.v1', EXISTENCIA_LIBERADA_VERSIONS),
  ExistenciaReservada: defineContract<ExistenciaReservada>('consolidador', 'ExistenciaReservada', 'consolidador/ExistenciaReservada.v1', EXISTENCIA_RESERVADA_VERSIONS),
  InventarioDevuelto: defineContract<InventarioDevuelto>('consolidador', 'InventarioDevuelto', 'consolidador/InventarioDevuelto.v1', INVENTARIO_DEVUELTO_VERSIONS),
  InventarioLiberado: defineContract<InventarioLiberado>('consolidador', 'InventarioLiberado', 'consolidador/InventarioLiberado.v1', INVENTARIO_LIBERADO_VERSIONS),
  InventarioReservado: defineContract<InventarioReservado>('consolidador', 'InventarioReservado', 'consolidador/InventarioReservado.v1', INVENTARIO_RESERVADO_VERSIONS),
  InventarioValidado: defineContract<InventarioValidado>('consolidador', 'InventarioValidado', 'consolidador/InventarioValidado.v1', INVENTARIO_VALIDADO_VERSIONS),
  ItemActualizado: defineContract<ItemActualizado>('consolidador', 'ItemActualizado', 'consolidador/ItemActualizado.v1', ITEM_ACTUALIZADO_VERSIONS),
  ItemCreado: defineContract<ItemCreado>('consolidador', 'ItemCreado', 'consolidador/ItemCreado.v1', ITEM_CREADO_VERSIONS),
  ItemEliminado: defineContract<ItemEliminado>('consolidador', 'ItemEliminado', 'consolidador/ItemEliminado.v1', ITEM_ELIMINADO_VERSIONS),
  LiberarExistencia: defineContract<LiberarExistencia>('consolidador', 'LiberarExistencia', 'consolidador/LiberarExistencia.v1', LIBERAR_EXISTENCIA_VERSIONS),
  LiberarInventario: defineContract<LiberarInventario>('consolidador', 'LiberarInventario', 'consolidador/LiberarInventario.v1', LIBERAR_INVENTARIO_VERSIONS),
  OperacionInventarioRechazada: defineContract<OperacionInventarioRechazada>('consolidador', 'OperacionInventarioRechazada', 'consolidador/OperacionInventarioRechazada.v1', OPERACION_INVENTARIO_RECHAZADA_VERSIONS),
  ReservaConfirmada: defineContract<ReservaConfirmada>('consolidador', 'ReservaConfirmada', 'consolidador/ReservaConfirmada.v1', RESERVA_CONFIRMADA_VERSIONS),
  ReservaInventarioFallida: defineContract<ReservaInventarioFallida>('consolidador', 'ReservaInventarioFallida', 'consolidador/ReservaInventarioFallida.v1', RESERVA_INVENTARIO_FALLIDA_VERSIONS),
  ReservaVencida: defineContract<ReservaVencida>('consolidador', 'ReservaVencida', 'consolidador/ReservaVencida.v1', RESERVA_VENCIDA_VERSIONS),
  ReservarExistencia: defineContract<ReservarExistencia>('consolidador', 'ReservarExistencia', 'consolidador/ReservarExistencia.v1', RESERVAR_EXISTENCIA_VERSIONS),
  ReservarInventario: defineContract<ReservarInventario>('consolidador', 'ReservarInventario', 'consolidador/ReservarInventario.v1', RESERVAR_INVENTARIO_VERSIONS),
  ValidacionInventarioFallida: defineContract<ValidacionInventarioFallida>('consolidador', 'ValidacionInventarioFallida', 'consolidador/ValidacionInventarioFallida.v1', VALIDACION_INVENTARIO_FALLIDA_VERSIONS),
  ValidarInventario: defineContract<ValidarInventario>('consolidador', 'ValidarInventario', 'consolidador/ValidarInventario.v1', VALIDAR_INVENTARIO_VERSIONS),
  CompraConfirmada: defineContract<CompraConfirmada>('gestor-compra', 'CompraConfirmada', 'gestor-compra/CompraConfirmada.v1', COMPRA_CONFIRMADA_VERSIONS),
  CompraRechazada: defineContract<CompraRechazada>('gestor-compra', 'CompraRechazada', 'gestor-compra/CompraRechazada.v1', COMPRA_RECHAZADA_VERSIONS),
  IniciarCompra: defineContract<IniciarCompra>('gestor-compra', 'IniciarCompra', 'gestor-compra/IniciarCompra.v1', INICIAR_COMPRA_VERSIONS),
  AnulacionOrdenFallida: defineContract<AnulacionOrdenFallida>('ordenes', 'AnulacionOrdenFallida', 'ordenes/AnulacionOrdenFallida.v1', ANULACION_ORDEN_FALLIDA_VERSIONS),
  AnularOrden: defineContract<AnularOrden>('ordenes', 'AnularOrden', 'ordenes/AnularOrden.v1', ANULAR_ORDEN_VERSIONS),
  CancelarOrden: defineContract<CancelarOrden>('ordenes', 'CancelarOrden', 'ordenes/CancelarOrden.v1', CANCELAR_ORDEN_VERSIONS),
  CreacionOrdenFallida: defineContract<CreacionOrdenFallida>('ordenes', 'CreacionOrdenFallida', 'ordenes/CreacionOrdenFallida.v1', CREACION_ORDEN_FALLIDA_VERSIONS),
  CrearOrden: defineContract<CrearOrden>('ordenes', 'CrearOrden', 'ordenes/CrearOrden.v1', CREAR_ORDEN_VERSIONS),
  OrdenAnulada: defineContract<OrdenAnulada>('ordenes', 'OrdenAnulada', 'ordenes/OrdenAnulada.v1', ORDEN_ANULADA_VERSIONS),
  OrdenCancelada: defineContract<OrdenCancelada>('ordenes', 'OrdenCancelada', 'ordenes/OrdenCancelada.v1', ORDEN_CANCELADA_VERSIONS),
  OrdenConfirmada: defineContract<OrdenConfirmada>('ordenes', 'OrdenConfirmada', 'ordenes/OrdenConfirmada.v1', ORDEN_CONFIRMADA_VERSIONS),
  OrdenCreada: defineContract<OrdenCreada>('ordenes', 'OrdenCreada', 'ordenes/OrdenCreada.v1', ORDEN_CREADA_VERSIONS),
  CancelarPartner: defineContract<CancelarPartner>('partner', 'CancelarPartner', 'partner/CancelarPartner.v1', CANCELAR_PARTNER_VERSIONS),
  PartnerCancelado: defineContract<PartnerCancelado>('partner', 'PartnerCancelado', 'partner/PartnerCancelado.v1', PARTNER_CANCELADO_VERSIONS),
  PartnerRegistrado: defineContract<PartnerRegistrado>('partner', 'PartnerRegistrado', 'partner/PartnerRegistrado.v1', PARTNER_REGISTRADO_VERSIONS),
  RegistrarPartner: defineContract<RegistrarPartner>('partner', 'RegistrarPartner', 'partner/RegistrarPartner.v1', REGISTRAR_PARTNER_VERSIONS),
  RegistroPartnerFallido: defineContract<RegistroPartnerFallido>('partner', 'RegistroPartnerFallido', 'partner/RegistroPartnerFallido.v1', REGISTRO_PARTNER_FALLIDO_VERSIONS),
  CancelarEvento: defineContract<CancelarEvento>('tracking', 'CancelarEvento', 'tracking/CancelarEvento.v1', CANCELAR_EVENTO_VERSIONS),
  EventoCancelado: defineContract<EventoCancelado>('tracking', 'EventoCancelado', 'tracking/EventoCancelado.v1', EVENTO_CANCELADO_VERSIONS),
  EventoRegistrado: defineContract<EventoRegistrado>('tracking', 'EventoRegistrado', 'tracking/EventoRegistrado.v1', EVENTO_REGISTRADO_VERSIONS),
  RegistrarEvento: defineContract<RegistrarEvento>('tracking', 'RegistrarEvento', 'tracking/RegistrarEvento.v1', REGISTRAR_EVENTO_VERSIONS),
  RegistroEventoFallido: defineContract<RegistroEventoFallido>('tracking', 'RegistroEventoFallido', 'tracking/RegistroEventoFallido.v1', REGISTRO_EVENTO_FALLIDO_VERSIONS),
};

/** Every contract, by owner and name. */
export const catalog: readonly Contract<unknown>[] = Object.values(contracts) as readonly Contract<unknown>[];

const byName = new Map(catalog.map((contract) => [contract.name, contract]));

/** The contract of a name that came from outside; undefined where there is none. */
export const contractNamed = (name: string): Contract<unknown> | undefined => byName.get(name);
