/** The body of `POST /campaña-commando`. */
export interface CampaignRequest {
  readonly nombre: string;
  /** In digits, so that none is lost. */
  readonly presupuesto: string;
  readonly divisa: string;
  readonly marca_id: string;
  readonly participantes: readonly Participante[];
}

export interface Participante {
  readonly id: string;
  readonly tipo: 'afiliado' | 'influencer';
  readonly nombre: string;
  readonly informacion_perfil: string;
}

/** A rule of a service, set before the request and lifted after the scenario, however that ended. */
export interface Rule {
  readonly says: string;
  readonly path: string;
  readonly set: object;
  readonly lift: object;
}

/** So many times, or between so many and so many where a race may decide it. */
export type Times = number | readonly [least: number, most: number];

/** The messages of one stage of the saga, by contract. The stages follow one another: each waits for the one before. */
export type Stage = Readonly<Record<string, Times>>;

/** What is left in a service: how many there are, and in which state all of them are. */
export interface Left {
  readonly estado: string;
  readonly count: Times;
}

export interface Expected {
  readonly end: 'COMPLETED' | 'COMPENSATED';
  readonly steps: readonly Stage[];
  readonly compensations: readonly Stage[];
  readonly campaign: string;
  readonly partners: Left;
  readonly eventos: Left;
}

/** One way a campaign can go: who takes part, which rules stand in its way, and everything that must come of it. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly participants: number;
  readonly rules: (request: CampaignRequest) => readonly Rule[];
  readonly expected: Expected;
}

/** The participant may not be registered anywhere until the suspension is lifted. */
export const suspended = (participante: Participante): Rule => ({
  says: `${participante.nombre} is suspended`,
  path: `/api/participantes/${participante.id}/suspension`,
  set: { suspendido: true, motivo: 'a scenario runs' },
  lift: { suspendido: false },
});

/** No evento is registered for the brand until tracking is switched on again. */
export const trackingOff = (marca: string): Rule => ({
  says: `tracking is switched off for the brand ${marca}`,
  path: `/api/marcas/${marca}/tracking`,
  set: { activo: false },
  lift: { activo: true },
});

/** A campaign of ids that nobody has used before, with a budget that a double could not hold. */
export const freshCampaign = (participants: number, uuid: () => string): CampaignRequest => {
  const run = uuid();
  return {
    nombre: `Campaña ${run}`,
    presupuesto: '9007199254740993.25',
    divisa: 'COP',
    marca_id: `marca-${run}`,
    participantes: Array.from({ length: participants }, (_, index) => ({
      id: uuid(),
      tipo: index % 2 === 0 ? 'influencer' : 'afiliado',
      nombre: `Participante ${index + 1}`,
      informacion_perfil: `perfil ${index + 1} de ${run}`,
    })),
  };
};
