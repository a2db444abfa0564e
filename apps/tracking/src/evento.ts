/** What is tracked of one partner of one campaign. */
export interface Evento {
  readonly id: string;
  /** The saga that registered it; null where it was registered alone. */
  readonly sagaId: string | null;
  readonly idPartner: string;
  readonly idCampana: string;
  readonly marcaId: string;
  readonly estado: 'REGISTRADO' | 'CANCELADO';
  readonly fecha: Date;
  readonly actualizado: Date;
}

/** What the rules of a registration look at. */
export interface RegistrationFacts {
  readonly partnerCancelled: boolean;
  readonly trackingOff: boolean;
}

/**
 * Whether an evento may be registered (systems.md §1, step 3).
 * @returns the refusal, or undefined when nothing stands against it
 */
export const refusalOf = (
  evento: Pick<Evento, 'idPartner' | 'marcaId'>,
  facts: RegistrationFacts,
): { codigo: string; motivo: string } | undefined => {
  if (facts.partnerCancelled)
    return { codigo: 'PARTNER_CANCELADO', motivo: `el partner ${evento.idPartner} está cancelado` };
  if (facts.trackingOff)
    return {
      codigo: 'TRACKING_DESACTIVADO',
      motivo: `la marca ${evento.marcaId} tiene el tracking desactivado`,
    };
  return undefined;
};

/** Cancelled is final: cancelling again changes nothing. */
export const cancelled = (evento: Evento, now: Date): Evento =>
  evento.estado === 'CANCELADO' ? evento : { ...evento, estado: 'CANCELADO', actualizado: now };
