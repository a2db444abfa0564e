// Generated from the .avsc files by `schemas/generate.ts`: do not edit.
import { type ContractVersion, defineContract } from '../codec/codec.ts';
import type { Contract } from '../codec/contract.ts';

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
  AprobarReserva: defineContract<AprobarReserva>('campaign', 'AprobarReserva', 'campaign/AprobarReserva.v1', APROBAR_RESERVA_VERSIONS),
  CampaignCancelada: defineContract<CampaignCancelada>('campaign', 'CampaignCancelada', 'campaign/CampaignCancelada.v1', CAMPAIGN_CANCELADA_VERSIONS),
  CampaignRegistrada: defineContract<CampaignRegistrada>('campaign', 'CampaignRegistrada', 'campaign/CampaignRegistrada.v1', CAMPAIGN_REGISTRADA_VERSIONS),
  CancelarCampaign: defineContract<CancelarCampaign>('campaign', 'CancelarCampaign', 'campaign/CancelarCampaign.v1', CANCELAR_CAMPAIGN_VERSIONS),
  IniciarCampaign: defineContract<IniciarCampaign>('campaign', 'IniciarCampaign', 'campaign/IniciarCampaign.v1', INICIAR_CAMPAIGN_VERSIONS),
  RegistrarCampaign: defineContract<RegistrarCampaign>('campaign', 'RegistrarCampaign', 'campaign/RegistrarCampaign.v1', REGISTRAR_CAMPAIGN_VERSIONS),
  RegistroCampaignFallido: defineContract<RegistroCampaignFallido>('campaign', 'RegistroCampaignFallido', 'campaign/RegistroCampaignFallido.v1', REGISTRO_CAMPAIGN_FALLIDO_VERSIONS),
  ReservaAprobada: defineContract<ReservaAprobada>('campaign', 'ReservaAprobada', 'campaign/ReservaAprobada.v1', RESERVA_APROBADA_VERSIONS),
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
