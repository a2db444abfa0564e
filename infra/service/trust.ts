import type { AllSettings } from '../config/settings.ts';
import type { Security } from '../http/access.ts';
import { createServiceTokens } from '../http/service-token.ts';
import type { Runtime } from '../runtime.ts';

/** Whom the services of an installation trust, by its settings. @param secret signs the tokens of services */
export const trustOf = (settings: AllSettings, secret: string, runtime: Runtime): Security => ({
  auth: settings.AUTH,
  apiKeys: settings.API_KEYS,
  tokens: createServiceTokens(secret, runtime),
});
