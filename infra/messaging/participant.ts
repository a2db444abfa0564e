import { traceIdOf } from '../telemetry/trace-context.ts';
import type { Capability, Reaction, Reply } from './capability.ts';
import { causeOf } from './held-messages.ts';
import { type Envelope, type Fault, isDirect, type Outgoing, type Received } from './message.ts';
import type { Log } from './metrics.ts';
import { type Operation, operationOf } from './operations.ts';
import { type BatchHandler, MessageFault } from './pipeline.ts';
import type { Claim, MessagingStore } from './store.ts';
import type { AnyContract } from './wire.ts';

export interface ParticipantOptions<Tx> {
  readonly store: MessagingStore<Tx>;
  readonly subscription: string;
  /** Every contract by its name, to read stored replies. */
  readonly contracts: Readonly<Record<string, AnyContract>>;
  readonly log: Log;
}

/** A claim found in the inbox, or made by this batch. */
interface Known {
  readonly claim: Claim;
  /** The answer in memory; read from the claim where it was stored before. */
  readonly reply?: Reply | undefined;
}

/** What a batch has brought about so far. */
interface Work {
  readonly known: Map<string, Known>;
  readonly fresh: Claim[];
  readonly operations: Operation[];
  readonly publish: Outgoing[];
}

/**
 * Runs a service's capability for messages from the bus: each takes effect at most once, by its claim in the inbox,
 * and whoever repeats a command gets the stored reply. Messages of one key in a batch (a duplicate, a command and its
 * undo) are handled one after another in memory.
 */
export function participant<Tx, Rows>(
  capability: Capability<Tx, Rows>,
  { store, subscription, contracts, log }: ParticipantOptions<Tx>,
): BatchHandler<Tx> {
  const reactions = new Map(capability.reactions.map((reaction) => [reaction.contract.name, reaction]));
  const commands = capability.reactions.filter((reaction) => reaction.kind === 'command');

  return {
    answersFaults: new Set(commands.map((reaction) => reaction.contract.name)),

    async handle(tx, batch, now) {
      const keys = [...new Set(batch.map((message) => message.envelope.idempotencyKey))].sort();
      const readable = batch.filter((message) => !message.fault);
      const [claims, rows] = await Promise.all([
        store.claims(tx, subscription, keys),
        readable.length > 0 ? capability.load(tx, readable, now) : undefined,
      ]);
      const known = new Map<string, Known>();
      for (const [key, claim] of claims) known.set(key, { claim });
      const work: Work = { known, fresh: [], operations: [], publish: [] };
      batch.forEach((message, index) => {
        try {
          const reaction = reactions.get(message.envelope.contract);
          if (!reaction) throw new Error(`there is no reaction to ${message.envelope.contract}`);
          react(reaction, rows as Rows, message, now, work);
        } catch (error) {
          throw new MessageFault(index, error);
        }
      });
      if (rows !== undefined) capability.write(tx, rows, now);
      // In key order: two batches that claim the same keys wait for one another, and do not deadlock.
      if (work.fresh.length > 0) store.insertClaims(tx, subscription, work.fresh.sort(byKey), now);
      if (work.operations.length > 0) store.insertOperations(tx, work.operations);
      return { result: undefined, publish: work.publish };
    },
  };

  function react(reaction: Reaction<Rows>, rows: Rows, message: Received, now: Date, work: Work): void {
    const { envelope } = message;
    const before = work.known.get(envelope.idempotencyKey);
    if (reaction.kind === 'event') {
      if (before) return;
      assertReadable(message);
      for (const event of reaction.handle(rows, message, now))
        work.publish.push({
          ...answerTo(envelope, event),
          subject: event.subject,
          idempotencyKey: `${envelope.idempotencyKey}/${event.contract.name}/${event.subject}`,
        });
      claim(work, envelope, false);
      return;
    }
    if (before && reaction.kind !== 'undo') {
      // The command has been handled, or its undo came first: either way it has no effect any more.
      work.publish.push(answerTo(envelope, before.reply ?? storedReply(before.claim)));
      return;
    }
    let answer: Reply;
    let tombstone = reaction.kind === 'undo';
    if (reaction.kind === 'command') {
      const outcome = outcomeOf(reaction, rows, message, now);
      answer = outcome.reply;
      tombstone = outcome.failed;
    } else {
      assertReadable(message);
      answer = reaction.handle(rows, message, now);
    }
    const payload = answer.contract.encode(answer.body);
    work.publish.push(answerTo(envelope, answer, payload));
    if (before) return; // an undo decides by the entity, and answers each time
    claim(work, envelope, tombstone, answer, payload);
    if (isDirect(envelope)) work.operations.push(operationOf(envelope, answer, now));
  }

  function outcomeOf(
    reaction: Extract<Reaction<Rows>, { kind: 'command' }>,
    rows: Rows,
    message: Received,
    now: Date,
  ): { readonly reply: Reply; readonly failed: boolean } {
    const { envelope } = message;
    let fault = message.fault;
    if (!fault) {
      try {
        return { reply: reaction.handle(rows, message, now), failed: false };
      } catch (error) {
        fault = { kind: 'failed', cause: causeOf(error) } satisfies Fault;
        logFault(envelope, fault, error);
      }
    } else if (fault.kind === 'undecodable') logFault(envelope, fault);
    return { reply: reaction.fail(envelope, fault, now), failed: true };
  }

  function logFault(envelope: Envelope, fault: Fault, err?: unknown): void {
    const { correlationId, id, contract, traceparent } = envelope;
    const trace_id = traceIdOf(traceparent);
    const fields = {
      saga: correlationId,
      message: id,
      contract,
      subscription,
      trace_id,
      cause: fault.cause,
      err,
    };
    log.error(fields, 'message could not be handled: answered with a failure');
  }

  function storedReply({ key, reply }: Claim): Reply {
    const contract = reply && contracts[reply.contract];
    if (!contract)
      throw new Error(`the stored reply to ${key} cannot be read: ${reply?.contract ?? 'there is none'}`);
    return { contract, body: contract.decode(reply.payload, reply.fingerprint) };
  }
}

const byKey = (a: Claim, b: Claim): number => (a.key < b.key ? -1 : 1);

const assertReadable = ({ fault }: Received): void => {
  if (fault) throw new Error(fault.cause);
};

const claim = (
  { known, fresh }: Work,
  { idempotencyKey: key }: Envelope,
  tombstone: boolean,
  reply?: Reply,
  payload?: Uint8Array,
): void => {
  const made: Claim = {
    key,
    tombstone,
    reply:
      reply && payload
        ? { contract: reply.contract.name, fingerprint: reply.contract.fingerprint, payload }
        : undefined,
  };
  known.set(key, { claim: made, reply });
  fresh.push(made);
};

/** A reply is the same message however often it is given: its idempotency key follows from the command's. */
const answerTo = (envelope: Envelope, { contract, body }: Reply, payload?: Uint8Array): Outgoing => ({
  contract,
  body,
  correlationId: envelope.correlationId,
  subject: envelope.subject,
  idempotencyKey: `${envelope.idempotencyKey}/${contract.name}`,
  cause: envelope,
  payload,
});
