import { caseFold } from '@cordada/infra/case-fold.ts';
import { code as currencyByCode } from 'currency-codes';

export type Estado = 'PENDIENTE' | 'APROBADA' | 'CANCELANDO' | 'CANCELADA';

export interface Participante {
  readonly id: string;
  readonly tipo: 'afiliado' | 'influencer';
  readonly nombre: string;
  readonly informacion_perfil: string;
}

/** A brand's campaign. One name lives once in a brand, until it is cancelled. */
export interface Campaign {
  readonly id: string;
  readonly sagaId: string;
  readonly nombre: string;
  /** `nombre` in the form that decides whether two names are the same. */
  readonly nombreNormalizado: string;
  /** A decimal with two places, as text: no digit is lost. */
  readonly presupuesto: string;
  readonly divisa: string;
  readonly marcaId: string;
  readonly participantes: readonly Participante[];
  readonly estado: Estado;
  readonly creada: Date;
  readonly actualizada: Date;
}

/**
 * Whether a campaign may be registered (systems.md §1, step 1).
 * @param live the brand's campaign of that name that is not cancelled, if there is one
 * @returns the refusal, or undefined when nothing stands against it
 */
export const refusalOf = (
  wanted: Pick<Campaign, 'nombre' | 'marcaId' | 'divisa'>,
  live: Pick<Campaign, 'estado'> | undefined,
): { codigo: string; motivo: string } | undefined => {
  if (currencyByCode(wanted.divisa)?.code !== wanted.divisa)
    return { codigo: 'DIVISA_DESCONOCIDA', motivo: `${wanted.divisa} no es una divisa de ISO 4217` };
  if (live)
    return {
      codigo: 'CAMPAIGN_DUPLICADA',
      motivo:
        `la marca ${wanted.marcaId} ya tiene una campaña viva llamada ${wanted.nombre}` +
        (live.estado === 'APROBADA' ? '' : ` (todavía ${live.estado})`),
    };
  return undefined;
};

/** Whether two names of one brand are the same campaign name. */
export const normalizedName = caseFold;
