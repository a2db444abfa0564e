import { createSigner, createVerifier } from 'fast-jwt';
import type { Runtime } from '../runtime.ts';

/** How long a token is good for; it is made anew for each call. */
const lifetimeSeconds = 60;
/** What clocks of two machines may differ by. */
const toleranceMs = 5_000;

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
export const createServiceTokens = (secret: string, runtime: Pick<Runtime, 'now'>): ServiceTokens => ({
  sign(caller, target) {
    const issued = Math.floor(runtime.now() / 1000);
    const sign = createSigner({ key: secret, algorithm: 'HS256' });
    return sign({ sub: caller, aud: target, iat: issued, exp: issued + lifetimeSeconds });
  },
  verify(token, target) {
    const verify = createVerifier({
      key: secret,
      algorithms: ['HS256'],
      allowedAud: target,
      requiredClaims: ['sub', 'aud', 'iat', 'exp'],
      clockTimestamp: runtime.now(),
      clockTolerance: toleranceMs,
      maxAge: lifetimeSeconds * 1000,
    });
    try {
      const { sub } = verify(token) as { sub: unknown };
      return typeof sub === 'string' ? sub : undefined;
    } catch {
      return undefined;
    }
  },
});
