import { recall, remember } from '@cordada/infra/messaging/keyed-requests.ts';
import type { Log } from '@cordada/infra/messaging/metrics.ts';
import type { Outcome, UnitOfWork } from '@cordada/infra/messaging/pipeline.ts';
import type { KeyedRequest, MessagingStore } from '@cordada/infra/messaging/store.ts';
import type { Runtime } from '@cordada/infra/runtime.ts';
import { traceIdOf } from '@cordada/infra/telemetry/trace-context.ts';
import { isRefusal } from './decide.ts';
import type { Definition } from './definition.ts';
import {
  type Asked,
  type Decision,
  type Instance,
  isSagaId,
  type Refusal,
  type Target,
  type Verb,
} from './instance.ts';
import type { Definitions, Session, Work } from './session.ts';
import type { SagaStore } from './store.ts';
import { entityId } from './turn.ts';
import { type SagaView, sagaView } from './view.ts';

/** What was asked for is not done, and nothing has changed. */
export interface Refused {
  readonly taken: false;
  readonly refused: Refusal['refused'] | 'NO_EXISTE' | 'PETICION_EN_CURSO' | 'CLAVE_REUTILIZADA';
  readonly motivo: string;
}

/** How a DELETE was taken. `saga` is where its outcome is read. */
export type Answer = { readonly taken: true; readonly saga: string; readonly tipo: string } | Refused;

/** How a verb was taken: the saga as it stood then. `repeated`: the same request had done it before. */
export type VerbAnswer =
  | { readonly taken: true; readonly view: SagaView; readonly repeated: boolean }
  | Refused;

export interface VerbRequest extends Asked {
  readonly saga: string;
  readonly verb: Verb;
  readonly paso: string;
  /** One item of the step; all that are outstanding where it is absent. */
  readonly item?: number;
  /** Present where it came under an `Idempotency-Key`. */
  readonly request?: KeyedRequest;
}

export interface UndoRequest extends Asked {
  readonly saga: string;
  /** The id of one entity that the saga made; all of it where this is absent, or its step has no `forEach`. */
  readonly entidad?: string;
}

/** What people ask of sagas. */
export interface Requests {
  verb(request: VerbRequest): Promise<VerbAnswer>;
  deshacer(request: UndoRequest): Promise<Answer>;
}

export interface RequestsOptions<Tx> {
  readonly definitions: Definitions;
  readonly store: Pick<SagaStore<Tx>, 'lock' | 'log'>;
  readonly uow: UnitOfWork<Tx>;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly log: Log;
  /** Where the service keeps who asked for what, and what keyed requests were answered with. */
  readonly asked: Pick<MessagingStore<Tx>, 'insertAudit' | 'lockRequest' | 'request' | 'insertRequest'>;
  /**
   * Decides all of `work` and sends the writes.
   * @param sagas those it is for, locked
   * @param answer the decision of the first of it
   */
  run<R>(
    tx: Tx,
    work: readonly Work[],
    now: Date,
    sagas: Map<string, Instance>,
    answer: (decided: Decision | Refusal | undefined, session: Session) => R,
  ): Promise<Outcome<R>>;
}

/** Operators' verbs and DELETEs: each locks its saga, and leaves its line in the audit, in one transaction. */
export const requests = <Tx>(options: RequestsOptions<Tx>): Requests => {
  const { definitions, store, uow, runtime, log, run } = options;

  /**
   * What somebody asked of one saga, and its line in the audit.
   * @param answer what is answered once it is taken; by then all of it is written
   */
  const ask = async <R>(
    tx: Tx,
    id: string,
    input: (saga: Instance) => Work['input'] | Refusal,
    audited: { readonly action: string; readonly target: string } & Asked,
    answer: (saga: Instance, decided: Decision | undefined) => R,
  ): Promise<Outcome<R | Refused>> => {
    const now = new Date(runtime.now());
    const sagas = isSagaId(id) ? await store.lock(tx, [id]) : new Map<string, Instance>();
    const saga = sagas.get(id);
    if (!saga) return refused('NO_EXISTE', `no hay una saga ${id}`);
    // A live saga's definition is here (`start`); one that has ended may be of a release long gone.
    if (!definitions.byHash(saga.definition))
      return refused('NO_SE_PUEDE_DESHACER', `la definición ${saga.definition} ya no existe`);
    const asked = input(saga);
    if ('refused' in asked) return refused(asked.refused, asked.motivo);
    const { quien, motivo, action, target, traceparent = '' } = audited;
    let moved = false;
    const outcome = await run<R | Refused>(
      tx,
      [{ saga: id, input: asked }],
      now,
      sagas,
      (decided, session) => {
        if (isRefusal(decided)) return { taken: false, ...decided };
        moved = decided !== undefined && decided.entries.length > 0;
        if (moved) options.asked.insertAudit(tx, { at: now, who: quien, action, target, reason: motivo });
        return answer(session.get(id) ?? saga, decided);
      },
    );
    return {
      ...outcome,
      committed() {
        // What it sends stays in the saga's trace; this line joins it to that of the request.
        if (moved)
          log.info({ saga: id, action, target, quien, trace_id: traceIdOf(traceparent) }, 'obeyed a person');
        outcome.committed?.();
      },
    };
  };

  return {
    verb: ({ saga: id, verb, paso, item, request, ...asked }) =>
      uow.transact<VerbAnswer>(async (tx) => {
        const recalled = await recall(options.asked, tx, request);
        if (recalled.status === 'answered')
          return {
            result: { taken: true, view: recalled.answer as SagaView, repeated: true },
            publish: [],
          };
        if (recalled.status === 'under-way')
          return refused('PETICION_EN_CURSO', 'la primera petición con esta clave está en curso');
        if (recalled.status === 'reused')
          return refused('CLAVE_REUTILIZADA', 'la clave ya se usó con otra petición');
        const outcome = await ask<Instance>(
          tx,
          id,
          () => ({ kind: 'verb', verb, paso, ...(item !== undefined && { item }), ...asked }),
          {
            action: `saga.${verb}`,
            target: `${id}/${paso}${item === undefined ? '' : `/${item}`}`,
            ...asked,
          },
          (saga) => saga,
        );
        if ('taken' in outcome.result) return { ...outcome, result: outcome.result };
        const saga = outcome.result;
        const view = sagaView(
          definitions.byHash(saga.definition) as Definition,
          saga,
          await store.log(tx, id),
        );
        remember(options.asked, tx, request, view, new Date(runtime.now()));
        return { ...outcome, result: { taken: true, view, repeated: false } };
      }),
    deshacer: ({ saga, entidad, ...asked }) =>
      uow.transact<Answer>((tx) =>
        ask<Answer>(
          tx,
          saga,
          (instance) => {
            const alcance = entidad === undefined ? null : targetOf(definitions, instance, entidad);
            return alcance === undefined
              ? { refused: 'PASO_DESCONOCIDO', motivo: `${entidad} no es de la saga ${saga}` }
              : { kind: 'deshacer', alcance, ...asked };
          },
          {
            action: 'saga.deshacer',
            target: entidad === undefined ? saga : `${saga}/${entidad}`,
            ...asked,
          },
          ({ tipo }, decided) => ({ taken: true, saga: decided?.undo?.id ?? saga, tipo }),
        ),
      ),
  };
};

const refused = (reason: Refused['refused'], motivo: string): Outcome<Refused> => ({
  result: { taken: false, refused: reason, motivo },
  publish: [],
});

/** null: all of the saga. undefined: the saga has made no such entity. */
const targetOf = (definitions: Definitions, saga: Instance, entidad: string): Target | null | undefined => {
  const steps = definitions.byHash(saga.definition)?.steps ?? [];
  for (const [place, step] of steps.entries()) {
    const count = saga.state.items[place]?.length ?? 0;
    for (let item = 0; item < count; item += 1)
      if (entityId(saga.id, step.name, item) === entidad.toLowerCase())
        return step.items || step.dependsOn ? { paso: step.name, item } : null;
  }
  return undefined;
};
