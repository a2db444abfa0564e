/** Someone who takes part in a campaign, as this service keeps it. */
export interface Partner {
  readonly id: string;
  /** The saga that registered it; null where it was registered alone. */
  readonly sagaId: string | null;
  readonly idCampaign: string;
  readonly idParticipante: string | null;
  readonly nombre: string;
  readonly tipo: 'afiliado' | 'influencer';
  readonly informacionPerfil: string;
  readonly estado: 'REGISTRADO' | 'CANCELADO';
  readonly creado: Date;
  readonly actualizado: Date;
}

/** Why a registration is refused: a code for programs, a reason for people. */
export interface Refusal {
  readonly codigo: string;
  readonly motivo: string;
}

/** What the rules of a registration look at. */
export interface RegistrationFacts {
  readonly campaignCancelled: boolean;
  /** The reason, possibly empty, when the participant is suspended. */
  readonly suspension: string | undefined;
  readonly alreadyInCampaign: boolean;
}

/**
 * Whether a partner may be registered (systems.md §1, step 2).
 * @returns the refusal, or undefined when nothing stands against it
 */
export const refusalOf = (
  partner: Pick<Partner, 'idCampaign' | 'idParticipante'>,
  facts: RegistrationFacts,
): Refusal | undefined => {
  if (facts.campaignCancelled)
    return { codigo: 'CAMPAIGN_CANCELADA', motivo: `la campaña ${partner.idCampaign} está cancelada` };
  if (facts.suspension !== undefined)
    return {
      codigo: 'PARTICIPANTE_SUSPENDIDO',
      motivo: `el participante ${partner.idParticipante} está suspendido${facts.suspension && `: ${facts.suspension}`}`,
    };
  if (facts.alreadyInCampaign)
    return {
      codigo: 'PARTICIPANTE_DUPLICADO',
      motivo: `el participante ${partner.idParticipante} ya está en la campaña ${partner.idCampaign}`,
    };
  return undefined;
};

/** Cancelled is final: cancelling again changes nothing. */
export const cancelled = (partner: Partner, now: Date): Partner =>
  partner.estado === 'CANCELADO' ? partner : { ...partner, estado: 'CANCELADO', actualizado: now };
