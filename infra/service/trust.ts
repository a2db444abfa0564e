import type { AllSettings } from '../config/settings.ts';
import { type ApiKey, roles, type Security } from '../http/access.ts';
import { createServiceTokens } from '../http/service-token.ts';
import type { Runtime } from '../runtime.ts';

/** The key that the demo's users know (systems.md, "Across all of them"): it opens nothing else. */
const demoKey: ApiKey = { name: 'demo', key: 'secret-key-123', roles };

/** Whom the services of an installation trust, by its settings. @param secret signs the tokens of services */
export const trustOf = (settings: AllSettings, secret: string, runtime: Runtime): Security => ({
  auth: settings.AUTH,
  apiKeys: settings.AUTH === 'demo' ? [...settings.API_KEYS, demoKey] : settings.API_KEYS,
  tokens: createServiceTokens(secret, runtime),
});
