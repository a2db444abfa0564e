import type { Definition, Step } from './definition.ts';
import { type Entry, type Instance, isEnded, MARK, NEVER, type Status } from './instance.ts';
import type { LogRow } from './store.ts';

/** How one item of one step stands. */
export type PasoEstado =
  | 'ENVIADO'
  | 'HECHO'
  | 'RECHAZADO'
  | 'COMPENSANDO'
  | 'COMPENSADO'
  | 'OMITIDO'
  | 'DETENIDO';

export interface Paso {
  readonly nombre: string;
  readonly item?: number;
  readonly estado: PasoEstado;
  readonly comando: string;
  /** The event, or the failure, that answered. */
  readonly evento?: string;
  readonly compensacion?: string;
  /** How often its command, or its compensation, was sent. */
  readonly intentos: number;
  readonly desde: string;
  /** When its last answer came; null while one is outstanding. */
  readonly hasta: string | null;
  readonly motivo?: string;
}

export interface Mensaje {
  readonly id: string;
  readonly contrato: string;
  readonly direccion: 'enviado' | 'recibido';
  readonly fecha: string;
  readonly causa: string;
}

/** A saga as `GET /api/sagas/:tipo/:id` shows it (systems.md, "Wire details"). Instants are RFC 3339. */
export interface SagaView {
  readonly id: string;
  readonly tipo: string;
  readonly estado: Status;
  readonly definicion: string;
  readonly iniciada: string;
  readonly actualizada: string;
  /** When it stops waiting for what is outstanding; null when nothing is. */
  readonly vence: string | null;
  readonly clave: string;
  readonly motivo?: { readonly codigo: string; readonly motivo: string };
  /** The saga that this one undoes. */
  readonly deshace?: string;
  /** The sagas that undo this one, or a part of it. */
  readonly deshechaPor?: readonly { readonly saga: string; readonly paso?: string; readonly item?: number }[];
  /** W3C trace id; absent where it has none. */
  readonly traza?: string;
  readonly pasos: readonly Paso[];
  /** The steps that were not begun, and will be if nothing fails. */
  readonly restantes: readonly { readonly nombre: string; readonly comando: string }[];
  readonly mensajes: readonly Mensaje[];
}

/** One transition of one saga, as `GET /stream` shows it. */
export interface SagaMoved {
  readonly saga: string;
  readonly tipo: string;
  readonly estado: Status;
  readonly n: number;
  readonly entradas: readonly Entrada[];
}

export interface Entrada {
  readonly paso: string;
  readonly item?: number;
  readonly estado: string;
  readonly comando?: string;
  readonly evento?: string;
  readonly compensacion?: string;
  readonly motivo?: string;
  readonly fecha: string;
}

const DIRECTION: { readonly [que in Entry['que']]?: Mensaje['direccion'] } = {
  iniciada: 'recibido',
  evento: 'recibido',
  fallo: 'recibido',
  compensado: 'recibido',
  interrumpida: 'recibido',
  comando: 'enviado',
  compensacion: 'enviado',
  anuncio: 'enviado',
};

/** The business key in one line. */
export const claveOf = (claves: readonly string[]): string => claves.join(' · ');

export const sagaView = (definition: Definition, saga: Instance, log: readonly LogRow[]): SagaView => {
  const { origin, state, status } = saga;
  const { failure, undos } = state;
  const traza = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(origin.traceparent)?.[1];
  return {
    id: saga.id,
    tipo: saga.tipo,
    estado: status,
    definicion: saga.definition,
    iniciada: iso(origin.startedAt),
    actualizada: iso(saga.updatedAt),
    vence: state.due === null || state.due >= NEVER ? null : iso(state.due),
    clave: claveOf(origin.claves),
    ...(failure && { motivo: { codigo: failure.codigo, motivo: failure.motivo } }),
    ...(origin.deshace && { deshace: origin.deshace }),
    ...(undos && { deshechaPor: undos.map(({ id, alcance }) => ({ saga: id, ...alcance })) }),
    ...(traza && { traza }),
    pasos: pasosOf(definition, saga, log),
    restantes: isEnded(status) || state.back ? [] : remaining(definition, saga),
    mensajes: log.flatMap(({ at, entries }) =>
      entries.flatMap(({ que, mensaje, contrato, causa }): Mensaje[] => {
        const direccion = DIRECTION[que];
        return direccion && mensaje && contrato
          ? [{ id: mensaje, contrato, direccion, fecha: at.toISOString(), causa: causa ?? mensaje }]
          : [];
      }),
    ),
  };
};

const iso = (ms: number): string => new Date(ms).toISOString();

const remaining = ({ steps }: Definition, { state }: Instance) =>
  steps
    .slice(state.waits ? 0 : state.step + 1)
    .map(({ name, command }) => ({ nombre: name, comando: command.name }));

interface Story {
  intentos: number;
  desde: Date;
  hasta: Date | null;
  evento?: string;
  compensacion?: string;
  motivo?: string;
}

const pasosOf = (definition: Definition, saga: Instance, log: readonly LogRow[]): Paso[] => {
  const stories = new Map<string, Story>();
  for (const { at, entries } of log) for (const entry of entries) tell(stories, entry, at);
  return definition.steps.flatMap((step, place) => {
    const marks = saga.state.items[place] ?? '';
    const several = step.items !== undefined || step.dependsOn !== undefined;
    return [...marks].flatMap((mark, item): Paso[] => {
      const story = stories.get(keyOf(step.name, several ? item : undefined));
      if (!story || mark === MARK.exempt || mark === MARK.pending) return [];
      const { evento, compensacion, motivo } = story;
      return [
        {
          nombre: step.name,
          ...(several && { item }),
          estado: estadoOf(step, mark, saga, place),
          comando: step.command.name,
          ...(evento !== undefined && { evento }),
          ...(compensacion !== undefined && { compensacion }),
          intentos: story.intentos,
          desde: story.desde.toISOString(),
          hasta: story.hasta?.toISOString() ?? null,
          ...(motivo !== undefined && { motivo }),
        },
      ];
    });
  });
};

const keyOf = (paso: string, item: number | undefined): string => `${paso}/${item ?? ''}`;

const tell = (stories: Map<string, Story>, entry: Entry, at: Date): void => {
  const { que, paso, item, contrato, motivo } = entry;
  if (paso === undefined) return;
  const key = keyOf(paso, item);
  const story = stories.get(key);
  switch (que) {
    case 'comando':
      if (story) Object.assign(story, { intentos: story.intentos + 1, hasta: null });
      else stories.set(key, { intentos: 1, desde: at, hasta: null });
      return;
    case 'compensacion':
      if (!story) return;
      story.intentos = story.compensacion === undefined ? 1 : story.intentos + 1;
      story.hasta = null;
      if (contrato !== undefined) story.compensacion = contrato;
      return;
    case 'evento':
    case 'fallo':
      if (!story) return;
      story.hasta = at;
      if (contrato !== undefined) story.evento = contrato;
      if (motivo) story.motivo = motivo;
      return;
    case 'compensado':
      if (story) story.hasta = at;
      return;
    case 'vencido':
    case 'detenida':
    case 'reintentar':
    case 'omitir':
    case 'completar':
      // These may be about all items of the step that are outstanding.
      for (const [other, told] of stories)
        if ((item === undefined ? other.startsWith(`${paso}/`) : other === key) && told.hasta === null) {
          if (motivo) told.motivo = motivo;
          if (que === 'omitir' || que === 'completar') told.hasta = at;
        }
      return;
    default:
  }
};

const estadoOf = (step: Step, mark: string, saga: Instance, place: number): PasoEstado => {
  const parked = saga.status === 'PARKED' && place === saga.state.step;
  switch (mark) {
    case MARK.sent:
      return parked && !saga.state.back ? 'DETENIDO' : 'ENVIADO';
    case MARK.undoing:
      return parked ? 'DETENIDO' : 'COMPENSANDO';
    case MARK.refused:
      return 'RECHAZADO';
    case MARK.undone:
      return 'COMPENSADO';
    case MARK.skipped:
      return 'OMITIDO';
    case MARK.done:
      return 'HECHO';
    default:
      throw new TypeError(`step ${step.name} of saga ${saga.id} has the mark ${mark}`);
  }
};

/** What a stream tells of one row of the log. */
export const movedOf = ({ saga, n, status, at, entries }: LogRow, tipo: string): SagaMoved => ({
  saga,
  tipo,
  estado: status,
  n,
  entradas: entries.map((entry): Entrada => {
    const { que, paso, item, contrato, motivo } = entry;
    const kind = { comando: 'comando', compensacion: 'compensacion' }[que as string] ?? 'evento';
    return {
      paso: paso ?? '',
      ...(item !== undefined && { item }),
      estado: que.toUpperCase(),
      ...(contrato !== undefined && { [kind]: contrato }),
      ...(motivo && { motivo }),
      fecha: at.toISOString(),
    };
  }),
});
