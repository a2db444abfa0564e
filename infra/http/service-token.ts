import { createSigner, createVerifier } from 'fast-jwt';
import type { Runtime } from '../runtime.ts';

/** How long a token is good for. */
const lifetimeSeconds = 60;
/** What clocks of two machines may differ by. */
const toleranceMs = 5_000;

/** A token that was good is believed for so long, and no longer than it is good, without being computed again. */
const trustedMs = 10_000;
/** The calls of so long a time bear the same token: it is still good for much longer. */
const reusedMs = 10_000;
/** Tokens that are known at once. */
const mostKnown = 1_000;

interface Signed {
  readonly token: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

interface Known {
  readonly token: string;
  readonly caller: string;
  readonly target: string;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly until: number;
}

export interface ServiceTokens {
  /** A token by which the service `caller` may call the service `target`. */
  sign(caller: string, target: string): string;
  /** Who calls `target` with `token`; undefined when the token does not allow it, for whatever reason. */
  verify(token: string, target: string): string | undefined;
}

/**
 * Short-lived signed tokens that services trust one another by (JWT, HS256). They work without promises, so that a
 * simulated call stays within one step of virtual time.
 * @param secret what all services of an installation share, at least 32 characters
 */
export const createServiceTokens = (secret: string, runtime: Pick<Runtime, 'now'>): ServiceTokens => {
  const known = new Map<string, Known>();
  const signed = new Map<string, Signed>();
  /** The one that was believed last: a caller sends the same for a while, and to compare it is quicker than to look it up. */
  let last: Known | undefined;
  return {
    sign(caller, target) {
      const now = runtime.now();
      const call = `${caller} ${target}`;
      const before = signed.get(call);
      if (before !== undefined && now >= before.at && now < before.at + reusedMs) return before.token;
      const issued = Math.floor(now / 1000);
      const sign = createSigner({ key: secret, algorithm: 'HS256' });
      const token = sign({ sub: caller, aud: target, iat: issued, exp: issued + lifetimeSeconds });
      signed.set(call, { token, at: now });
      return token;
    },
    verify(token, target) {
      const now = runtime.now();
      const before = last?.token === token ? last : known.get(token);
      if (before !== undefined && before.target === target && now >= before.from && now < before.until) {
        last = before;
        return before.caller;
      }
      const verify = createVerifier({
        key: secret,
        algorithms: ['HS256'],
        allowedAud: target,
        requiredClaims: ['sub', 'aud', 'iat', 'exp'],
        clockTimestamp: now,
        clockTolerance: toleranceMs,
        maxAge: lifetimeSeconds * 1000,
      });
      try {
        const { sub, exp } = verify(token) as { sub: unknown; exp: number };
        if (typeof sub !== 'string') return undefined;
        if (known.size >= mostKnown) known.clear();
        const until = Math.min(exp * 1000, now + trustedMs);
        last = { token, caller: sub, target, from: now, until };
        known.set(token, last);
        return sub;
      } catch {
        return undefined;
      }
    },
  };
};
