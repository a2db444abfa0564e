import { campaignSaga } from '@cordada/sagas/campaign.saga.ts';
import { type Instance, isEnded, MARK } from '@cordada/sagas/engine/instance.ts';
import type { LogRow } from '@cordada/sagas/engine/store.ts';
import { entityId } from '@cordada/sagas/engine/turn.ts';
import { definitionOf, definitions, tipoOf } from './definitions.ts';
import { type Breach, entriesOf, type Invariant, wasOverruled } from './invariant.ts';
import type { Observation } from './observation.ts';
import { purchaseInvariants } from './purchase-invariants.ts';

/** The campaigns' sagas, without those that undo one. */
const originals = (seen: Observation): readonly Instance[] =>
  seen.sagas.filter(({ tipo, origin }) => tipo === 'campaign' && origin.deshace === null);

/** What of a saga should live now, and what not, by the ids of its entities. */
const expected = (
  seen: Observation,
  saga: Instance,
): { live: Set<string>; dead: Set<string> } | undefined => {
  const undos = seen.sagas.filter(({ origin }) => origin.deshace === saga.id);
  if (!isEnded(saga.status) || undos.some(({ status }) => !isEnded(status)) || wasOverruled(seen, saga))
    return undefined;
  const live = new Set<string>();
  const dead = new Set<string>();
  const undoneAll = undos.some(({ origin }) => origin.alcance === null);
  const targets = undos.flatMap(({ origin }) => origin.alcance ?? []);
  campaignSaga.steps.forEach(({ name, compensation }, place) => {
    if (!compensation) return;
    [...(saga.state.items[place] ?? '')].forEach((_, item) => {
      const undone = targets.some(
        (target) =>
          target.item === item && (target.paso === name || (target.paso === 'partner' && name === 'evento')),
      );
      const lives = saga.status === 'COMPLETED' && !undoneAll && !undone;
      (lives ? live : dead).add(entityId(saga.id, name, item));
    });
  });
  return { live, dead };
};

const stepOrder = (steps: readonly string[]): Map<string, number> =>
  new Map(steps.map((name, place) => [name, place]));

/** The steps whose commands go over the bus. */
const remoteSteps = new Set(
  Object.values(definitions)
    .flatMap((definition) => [definition, definition.undo])
    .flatMap((definition) => definition?.steps ?? [])
    .flatMap(({ name, local }) => (local ? [] : [name])),
);

export const invariants: readonly Invariant[] = [
  {
    sentence: 'a saga ends, or is PARKED',
    broken: ({ sagas }) =>
      sagas
        .filter(({ status }) => !isEnded(status) && status !== 'PARKED')
        .map(({ id, status }) => ({ saga: id, what: `is ${status}` })),
  },
  {
    sentence: 'a saga has a time at which it is looked at again, until it ends',
    broken: ({ sagas }) =>
      sagas
        .filter(({ status, wakeAt }) => isEnded(status) !== (wakeAt === null))
        .map(({ id, status, wakeAt }) => ({ saga: id, what: `is ${status} and wakes at ${wakeAt}` })),
  },
  {
    sentence: 'a parking alerts once at most, and no other saga alerts',
    broken: (seen) =>
      [...seen.alerts].flatMap(([saga, alerts]) => {
        const parkings = entriesOf(seen, saga).filter(({ que }) => que === 'detenida').length;
        return alerts > parkings ? [{ saga, what: `${alerts} alerts for ${parkings} parkings` }] : [];
      }),
  },
  {
    sentence: 'no acknowledged write is lost',
    broken: ({ acknowledged, sagas }) => {
      const known = new Set(sagas.map(({ id }) => id));
      return acknowledged
        .filter((id) => !known.has(id))
        .map((saga) => ({ saga, what: 'was acknowledged and is not there' }));
    },
  },
  {
    sentence: 'all or nothing: of a COMPLETED saga all lives that was not undone, of any other nothing',
    broken: (seen) => {
      const alive = new Set([
        ...seen.campaigns.filter(({ estado }) => estado === 'APROBADA').map(({ id }) => id),
        ...seen.partners.filter(({ estado }) => estado === 'REGISTRADO').map(({ id }) => id),
        ...seen.eventos.filter(({ estado }) => estado === 'REGISTRADO').map(({ id }) => id),
      ]);
      const pending = new Set(
        seen.campaigns
          .filter(({ estado }) => estado === 'PENDIENTE' || estado === 'CANCELANDO')
          .map(({ id }) => id),
      );
      return originals(seen).flatMap((saga) => {
        const wanted = expected(seen, saga);
        if (!wanted) return [];
        const missing = [...wanted.live].filter((id) => !alive.has(id));
        const left = [...wanted.dead].filter((id) => alive.has(id) || pending.has(id));
        return [
          ...missing.map((id) => ({ saga: saga.id, what: `is ${saga.status} and lacks ${id}` })),
          ...left.map((id) => ({ saga: saga.id, what: `is ${saga.status} and leaves ${id}` })),
        ];
      });
    },
  },
  {
    sentence: 'nothing lives that belongs to no saga',
    broken: (seen) => {
      const sagas = new Set(seen.sagas.map(({ id }) => id));
      return [...seen.campaigns, ...seen.partners, ...seen.eventos]
        .filter(({ sagaId }) => sagaId !== null && !sagas.has(sagaId))
        .map(({ id }) => ({ what: `${id} is of no saga` }));
    },
  },
  {
    sentence: 'a partner or evento does not outlive what it belongs to',
    broken: (seen) => {
      const deadCampaigns = new Set(
        seen.campaigns.filter(({ estado }) => estado === 'CANCELADA').map(({ id }) => id),
      );
      const deadPartners = new Set(
        seen.partners.filter(({ estado }) => estado === 'CANCELADO').map(({ id }) => id),
      );
      return [
        ...seen.partners
          .filter(({ estado, idCampaign }) => estado === 'REGISTRADO' && deadCampaigns.has(idCampaign))
          .map(({ id }) => ({ what: `partner ${id} outlives its campaign` })),
        ...seen.eventos
          .filter(({ estado, idPartner }) => estado === 'REGISTRADO' && deadPartners.has(idPartner))
          .map(({ id }) => ({ what: `evento ${id} outlives its partner` })),
      ];
    },
  },
  {
    sentence: 'one name lives once in a brand, and a participant once in a campaign',
    broken: (seen) => {
      const names = seen.campaigns
        .filter(({ estado }) => estado !== 'CANCELADA')
        .map(({ marcaId, nombreNormalizado }) => `${marcaId}/${nombreNormalizado}`);
      const participants = seen.partners
        .filter(({ estado, idParticipante }) => estado === 'REGISTRADO' && idParticipante !== null)
        .map(({ idCampaign, idParticipante }) => `${idCampaign}/${idParticipante}`);
      return [...twice(names), ...twice(participants)].map((what) => ({ what: `${what} lives twice` }));
    },
  },
  {
    sentence:
      'compensations are exact, each answered once, in reverse: a step wholly before the one before it',
    broken: (seen) =>
      seen.sagas
        .filter(({ origin }) => origin.deshace === null)
        .flatMap((saga) => {
          const order = stepOrder(definitionOf(saga).steps.map(({ name }) => name));
          const answered = new Set<string>();
          const sent = new Set<string>();
          const breaches: Breach[] = [];
          let lowest = Number.POSITIVE_INFINITY;
          for (const { que, paso = '', item } of entriesOf(seen, saga.id)) {
            const key = `${paso}/${item ?? 0}`;
            const place = order.get(paso) ?? 0;
            if (que === 'compensacion') {
              const open = [...sent].filter(
                (one) => !answered.has(one) && (order.get(one.split('/')[0] ?? '') ?? 0) > place,
              );
              if (open.length > 0 && !wasOverruled(seen, saga))
                breaches.push({
                  saga: saga.id,
                  what: `compensates ${key} before ${open.join(', ')} is answered`,
                });
              if (place > lowest)
                breaches.push({ saga: saga.id, what: `compensates ${key} after an earlier step` });
              lowest = Math.min(lowest, place);
              sent.add(key);
            }
            if (que === 'compensado') {
              if (answered.has(key)) breaches.push({ saga: saga.id, what: `${key} is compensated twice` });
              if (!sent.has(key)) breaches.push({ saga: saga.id, what: `${key} is compensated unasked` });
              answered.add(key);
            }
            if (que === 'comando' && sent.size > 0)
              breaches.push({ saga: saga.id, what: `sends ${key} after it began to compensate` });
          }
          return breaches;
        }),
  },
  {
    sentence: 'what was refused is not compensated, and what was compensated had been sent',
    broken: (seen) =>
      seen.sagas.flatMap((saga) => {
        if (saga.origin.deshace) return [];
        const refused = new Set<string>();
        const breaches: Breach[] = [];
        for (const { que, paso, item } of entriesOf(seen, saga.id)) {
          const key = `${paso}/${item ?? 0}`;
          if (que === 'fallo') refused.add(key);
          if (que === 'compensacion' && refused.has(key))
            breaches.push({ saga: saga.id, what: `compensates ${key}, which was refused` });
        }
        return breaches;
      }),
  },
  {
    sentence: 'a COMPENSATED saga has compensated every item that may have taken effect',
    broken: (seen) =>
      seen.sagas.flatMap((saga) => {
        if (saga.status !== 'COMPENSATED' || saga.origin.deshace || wasOverruled(seen, saga)) return [];
        return definitionOf(saga).steps.flatMap(({ name, compensation }, place) =>
          [...(compensation ? (saga.state.items[place] ?? '') : '')].flatMap((mark, item) =>
            mark === MARK.sent || mark === MARK.done || mark === MARK.undoing
              ? [{ saga: saga.id, what: `left ${name}/${item} as it was (${mark})` }]
              : [],
          ),
        );
      }),
  },
  {
    sentence: 'a command that comes after its undo has no effect',
    broken: ({ published }) => {
      const first = new Map<string, string>();
      for (const { contract, message, subject } of published) {
        const known = first.get(`${contract} ${subject}`);
        if (known === undefined || message < known) first.set(`${contract} ${subject}`, message);
      }
      return [...first].flatMap(([announced, message]) => {
        const [contract = '', subject = ''] = announced.split(' ');
        const made = { PartnerCancelado: 'PartnerRegistrado', EventoCancelado: 'EventoRegistrado' }[contract];
        const later = made && first.get(`${made} ${subject}`);
        return later !== undefined && later > message
          ? [{ what: `${made} of ${subject} follows its ${contract}` }]
          : [];
      });
    },
  },
  {
    sentence: 'the log is the saga: a row a version, and the last one tells its state',
    broken: (seen) =>
      seen.sagas.flatMap((saga) => {
        const rows = seen.log.get(saga.id) ?? [];
        const last = rows.at(-1);
        if (rows.length !== saga.version || rows.some(({ n }, i) => n !== i + 1))
          return [
            {
              saga: saga.id,
              what: `has version ${saga.version} and rows ${rows.map(({ n }) => n).join(' ')}`,
            },
          ];
        if (last?.status !== saga.status)
          return [{ saga: saga.id, what: `is ${saga.status}, its log says ${last?.status}` }];
        return marksDisagree(saga, rows);
      }),
  },
  {
    sentence: 'messages of one topic and key are handled in the order in which they were published',
    broken: ({ handled }) => {
      const newest = new Map<string, string>();
      const seen = new Set<string>();
      const breaches: Breach[] = [];
      for (const { subscription, contract, key, message } of handled) {
        const lane = `${subscription} ${contract} ${key}`;
        const once = `${lane} ${message}`;
        if (seen.has(once)) continue;
        seen.add(once);
        const before = newest.get(lane);
        if (before !== undefined && message < before)
          breaches.push({ saga: key, what: `${lane}: ${message} is handled after ${before}` });
        else newest.set(lane, message);
      }
      return breaches;
    },
  },
  {
    sentence: 'what the log says was sent, and every effect, is on the bus',
    broken: (seen) => {
      const messages = new Set(seen.published.map(({ message }) => message));
      const announced = new Set(seen.published.map(({ contract, subject }) => `${contract} ${subject}`));
      const sent = [...seen.log].flatMap(([saga, rows]) =>
        rows
          .flatMap(({ entries }) => entries)
          .filter(
            ({ que, paso = '' }) => (que === 'comando' || que === 'compensacion') && remoteSteps.has(paso),
          )
          .filter(({ mensaje }) => mensaje !== undefined && !messages.has(mensaje))
          .map(({ contrato, mensaje }) => ({ saga, what: `${contrato} ${mensaje} was never durable` })),
      );
      const effects = [
        ...seen.campaigns.map(
          ({ id, estado }) => [id, 'CampaignRegistrada', 'CampaignCancelada', estado] as const,
        ),
        ...seen.partners.map(
          ({ id, estado }) => [id, 'PartnerRegistrado', 'PartnerCancelado', estado] as const,
        ),
        ...seen.eventos.map(({ id, estado }) => [id, 'EventoRegistrado', 'EventoCancelado', estado] as const),
      ].flatMap(([id, made, undone, estado]) => [
        ...(announced.has(`${made} ${id}`) ? [] : [{ what: `${made} of ${id} was never durable` }]),
        ...(!estado.startsWith('CANCELAD') || announced.has(`${undone} ${id}`)
          ? []
          : [{ what: `${undone} of ${id} was never durable` }]),
      ]);
      return [...sent, ...effects];
    },
  },
  {
    sentence: 'an undo saga undoes in reverse: a step wholly before the one that came before it',
    broken: (seen) =>
      seen.sagas
        .filter((saga) => definitionOf(saga).undoes === 'derived')
        .flatMap((saga) => {
          const order = stepOrder(definitions[tipoOf(saga)].steps.map(({ name }) => name));
          let lowest = Number.POSITIVE_INFINITY;
          return entriesOf(seen, saga.id).flatMap(({ que, paso = '', item }): Breach[] => {
            if (que !== 'comando') return [];
            const place = order.get(paso) ?? 0;
            const early = place > lowest;
            lowest = Math.min(lowest, place);
            return early
              ? [{ saga: saga.id, what: `undoes ${paso}/${item ?? 0} after an earlier step` }]
              : [];
          });
        }),
  },
  {
    sentence: 'answers that waited while the coordinator alone was away are read before their deadline fires',
    broken: (seen) => (seen.onlyCoordinatorFailed ? [...seen.log].flatMap(answersPassedBy) : []),
  },
  {
    sentence: 'nothing is held for an operator but what cannot be handled',
    broken: ({ heldInVain }) => heldInVain.map((what) => ({ what })),
  },
  {
    sentence: 'a service does what it is asked, refuses it, or says that it is away',
    broken: ({ unexpected }) => unexpected.map((what) => ({ what })),
  },
  {
    sentence: 'nothing is left in an outbox, and nothing is held that can be handled',
    broken: ({ outbox, held }) => [
      ...outbox.map(({ service, topic, key }) => ({
        saga: key,
        what: `${service} still has to publish ${topic}`,
      })),
      ...held.map(({ service, topic, cause }) => ({ what: `${service} still holds ${topic}: ${cause}` })),
    ],
  },
];

/** Answers may be on their way so long, in milliseconds, before a deadline had to wait for them. */
const ON_THEIR_WAY_MS = 5_000;

/** When a message was made: a UUIDv7 begins with its epoch milliseconds. */
const madeAt = (message: string): number => Number.parseInt(message.replaceAll('-', '').slice(0, 12), 16);

/** Deadlines that fired although an answer of their step was there long before. */
const answersPassedBy = ([saga, rows]: readonly [string, readonly LogRow[]]): Breach[] =>
  rows.flatMap(({ entries, at, n }) =>
    entries.flatMap(({ que, paso }) => {
      if (que !== 'vencido') return [];
      const waited = rows
        .filter((later) => later.n > n)
        .flatMap((later) => later.entries)
        .find(
          (entry) =>
            entry.que === 'evento' &&
            entry.paso === paso &&
            madeAt(entry.mensaje ?? '') < at.getTime() - ON_THEIR_WAY_MS,
        );
      return waited ? [{ saga, what: `${paso} timed out while ${waited.mensaje} waited` }] : [];
    }),
  );

const twice = (values: readonly string[]): string[] => values.filter((value, i) => values.indexOf(value) < i);

/** The marks of a saga's items say what its log tells of them. */
const marksDisagree = (saga: Instance, rows: readonly LogRow[]): Breach[] => {
  if (saga.origin.deshace) return [];
  const told = new Map<string, string>();
  for (const { que, paso, item } of rows.flatMap(({ entries }) => entries)) {
    const key = `${paso}/${item ?? 0}`;
    const mark = {
      comando: MARK.sent,
      evento: MARK.done,
      fallo: MARK.refused,
      compensacion: MARK.undoing,
      compensado: MARK.undone,
    }[que as string];
    if (mark !== undefined && paso !== undefined) told.set(key, mark);
  }
  if (
    rows.some(({ entries }) =>
      entries.some(({ que }) => que === 'omitir' || que === 'completar' || que === 'deshecha'),
    )
  )
    return [];
  return definitionOf(saga).steps.flatMap(({ name }, place) =>
    [...(saga.state.items[place] ?? '')].flatMap((mark, item) => {
      const said = told.get(`${name}/${item}`) ?? MARK.pending;
      return said === mark
        ? []
        : [{ saga: saga.id, what: `${name}/${item} is ${mark}, its log says ${said}` }];
    }),
  );
};

/** Every breach of every invariant, each with its sentence. */
export const breachesOf = (seen: Observation): readonly (Breach & { readonly sentence: string })[] =>
  [...invariants, ...purchaseInvariants].flatMap(({ sentence, broken }) =>
    broken(seen).map((breach) => ({ ...breach, sentence })),
  );
