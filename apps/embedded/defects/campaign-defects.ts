import type { Defect } from './defect.ts';

const unitOfWork = 'infra/messaging/unit-of-work.ts';
const consumer = 'infra/messaging/consumer.ts';
const participant = 'infra/messaging/participant.ts';
const relay = 'infra/messaging/relay.ts';
const lease = 'infra/messaging/lease.ts';
const turn = 'sagas/engine/turn.ts';
const coordinator = 'sagas/engine/coordinator.ts';
const recent = 'sagas/engine/recent.ts';

/** Faults of the pipeline and of the engine that runs sagas; campaigns show them, or a suite. */
export const campaignDefects: readonly Defect[] = [
  {
    name: 'commit before outbox',
    system: 'campaign',
    sentence: 'The messages are written after the commit of the effect, in a transaction of their own.',
    patches: [
      { file: unitOfWork, find: 'seqs = store.enqueue(tx, rows);', replace: 'seqs = Promise.resolve([]);' },
      {
        file: unitOfWork,
        find: 'const numbers = (await seqs) ?? [];',
        replace:
          'const numbers = rows.length > 0 ? await store.transaction(async (tx) => store.enqueue(tx, rows)) : [];',
      },
    ],
  },
  {
    name: 'ack before commit',
    system: 'campaign',
    sentence: 'A batch is acknowledged while it is still being handled.',
    patches: [
      {
        file: consumer,
        find: 'await process(batch.map(toItem));',
        replace: 'void process(batch.map(toItem)).catch(() => undefined);',
      },
    ],
  },
  {
    name: 'no tombstone',
    system: 'campaign',
    sentence:
      'An undo that finds nothing to undo leaves no trace, so the command that it overtook takes effect.',
    patches: [
      {
        file: participant,
        find: 'if (before) return; // an undo decides by the entity, and answers each time',
        replace: "if (before || reaction.kind === 'undo') return;",
      },
    ],
  },
  {
    name: 'undo decides by the claim',
    system: 'campaign',
    sentence: 'An undo that finds the claim of its command answers the stored reply, and undoes nothing.',
    patches: [
      {
        file: participant,
        find: "if (before && reaction.kind !== 'undo') {",
        replace: 'if (before) {',
      },
    ],
  },
  {
    name: 'dedup by the message',
    system: 'campaign',
    sentence: 'Claims are made by the id of a message instead of its idempotency key.',
    patches: [
      {
        file: participant,
        find: 'batch.map((message) => message.envelope.idempotencyKey)',
        replace: 'batch.map((message) => message.envelope.id)',
      },
      {
        file: participant,
        find: 'work.known.get(envelope.idempotencyKey)',
        replace: 'work.known.get(envelope.id)',
      },
      { file: participant, find: '{ idempotencyKey: key }: Envelope', replace: '{ id: key }: Envelope' },
    ],
  },
  {
    name: 'undo saga forward',
    system: 'campaign',
    sentence: 'An undo saga undoes the first step first.',
    patches: [
      {
        file: 'sagas/engine/builder.ts',
        find: '[...definition.steps].reverse().flatMap(',
        replace: '[...definition.steps].flatMap(',
      },
    ],
  },
  {
    name: 'compensation does not wait',
    system: 'campaign',
    sentence: 'A step is compensated before the compensations of the step after it are answered.',
    patches: [
      {
        file: turn,
        find: `      if (this.outstanding.length > 0) return;
      if (marks.includes(MARK.undone)) this.#stepEnded('compensated');`,
        replace: `      if (this.outstanding.length > 0 && this.step === 0) return;
      if (marks.includes(MARK.undone)) this.#stepEnded('compensated');`,
      },
    ],
  },
  {
    name: 'siblings forgotten',
    system: 'campaign',
    sentence: 'When one item of a step is refused, the others that are still under way are not compensated.',
    patches: [
      {
        file: turn,
        find: '...indexesOf(marks, MARK.sent), ...indexesOf(marks, MARK.done)',
        replace: '...indexesOf(marks, MARK.done)',
      },
    ],
  },
  {
    name: 'refused item compensated',
    system: 'campaign',
    sentence: 'What was refused is compensated all the same.',
    patches: [
      {
        file: turn,
        find: '...indexesOf(marks, MARK.sent), ...indexesOf(marks, MARK.done)',
        replace:
          '...indexesOf(marks, MARK.sent), ...indexesOf(marks, MARK.refused), ...indexesOf(marks, MARK.done)',
      },
    ],
  },
  {
    name: 'held key leaks',
    system: 'campaign',
    sentence: 'Messages pass by an earlier one of their key that is held.',
    patches: [
      {
        file: consumer,
        find: 'const cause = blocked.has(item.key) ? BEHIND : item.hold;',
        replace: 'const cause = item.hold;',
      },
    ],
  },
  {
    name: 'relay trusts what it reads first',
    system: 'campaign',
    sentence:
      'A row is published although a commit that may hold an earlier one of its key has not answered yet.',
    // Two transactions at once on one key and topic: a coordinator's sagas never have them, other outboxes may.
    suite: 'infra/messaging/relay.unit.test.ts',
    patches: [
      {
        file: relay,
        find: 'if (ready === settings.maxBatch || !isReady(lane.key, queued)) break;',
        replace: 'if (ready === settings.maxBatch) break;',
      },
    ],
  },
  {
    name: 'outbox forgets',
    system: 'campaign',
    sentence: 'A row is deleted from the outbox although the bus did not say that it is durable.',
    patches: [
      {
        file: relay,
        find: "while (settled[done]?.status === 'durable') done += 1;",
        replace: 'while (done < settled.length) done += 1;',
      },
    ],
  },
  {
    name: 'no sweep',
    system: 'campaign',
    sentence: 'After a start nobody looks for what a crash left in the outbox.',
    patches: [
      {
        file: relay,
        find: '      else sweep();',
        replace: '',
      },
      {
        file: relay,
        find: `    term += 1;
    sweep();`,
        replace: '    term += 1;',
      },
    ],
  },
  {
    name: 'own rows first',
    system: 'campaign',
    sentence:
      'The one that publishes for all replicas publishes its own rows without looking for lower ones of others.',
    patches: [{ file: relay, find: 'if (read > readsOver) return false;', replace: '' }],
  },
  {
    name: 'stale holder deletes',
    system: 'campaign',
    sentence: 'A replica that has lost the lease deletes the rows that it had read and not published.',
    patches: [
      {
        file: relay,
        find: `      known.delete(row.seq);
      pending -= 1;
    }
    lane.retry?.();`,
        replace: `      deletes.add([row.seq]);
      pending -= 1;
    }
    lane.retry?.();`,
      },
    ],
  },
  {
    name: 'lease of the dead',
    system: 'campaign',
    sentence: 'A lease is had only when its holder gives it back: one that was killed keeps it for ever.',
    patches: [
      {
        file: lease,
        find: "row === undefined || row.owner === '' ? 0 : seenAt + row.lastsMs - now;",
        replace: "row === undefined || row.owner === '' ? 0 : settings.lookEveryMs;",
      },
    ],
  },
  {
    name: 'hints are enough',
    system: 'campaign',
    sentence: 'The one that publishes reads what others have written only when it is told so.',
    patches: [
      {
        file: relay,
        find: '    nextSweep = runtime.after(settings.sweepEveryMs, sweep);',
        replace: '    if (!replicas) nextSweep = runtime.after(settings.sweepEveryMs, sweep);',
      },
    ],
  },
  {
    name: 'impatient deadline',
    system: 'campaign',
    sentence: 'A deadline fires after a downtime before the answers that waited meanwhile are read.',
    // It takes a coordinator that is away for an hour and alone: few seeds have one. The seed that found it is this test.
    suite: 'sagas/engine/deadlines.unit.test.ts',
    patches: [
      {
        file: 'sagas/engine/deadlines.ts',
        find: 'if (await options.caughtUp(latest.at)) return due;',
        replace: 'if (latest) return due;',
      },
    ],
  },
  {
    name: 'late partner welcome',
    system: 'campaign',
    sentence: 'A partner that is registered after its campaign was cancelled is taken.',
    patches: [
      {
        file: 'apps/partner/src/partner.ts',
        find: 'if (facts.campaignCancelled)',
        replace: 'if (facts.campaignCancelled && partner.idParticipante !== null)',
      },
    ],
  },
  {
    name: 'start taken twice',
    system: 'campaign',
    sentence: 'A saga that is begun again begins again.',
    patches: [
      {
        file: 'sagas/engine/decide.ts',
        find: '  const turn = new Turn(definition, instance.id, instance.origin, instance, now);',
        replace: `  if (input.kind === 'message' && input.message.envelope.contract === definition.start.name) {
    const again = start(definition, input.message, now);
    return again && { ...again, instance: { ...again.instance, version: instance.version } };
  }
  const turn = new Turn(definition, instance.id, instance.origin, instance, now);`,
      },
    ],
  },
  {
    name: 'nothing to do, as it was left',
    // The step's next try heals it, so that no saga shows it.
    suite: 'sagas/engine/coordinator.unit.test.ts',
    sentence:
      'A saga that another replica has moved is not looked at where what this one remembers has nothing to do.',
    patches: [{ file: coordinator, find: 'await check(tx, guesses, saved);', replace: '' }],
  },
  {
    name: 'guessed again',
    system: 'campaign',
    sentence: 'A batch that lost to another replica is decided once more from what was remembered before.',
    patches: [{ file: recent, find: 'this.#known.set(saga, TRIED);', replace: '' }],
  },
];
