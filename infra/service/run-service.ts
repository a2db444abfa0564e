import { readSettings } from '../config/settings.ts';
import { networkFetch } from '../http/network-fetch.ts';
import { systemRuntime } from '../system-runtime.ts';
import { runGracefully } from './graceful-process.ts';
import { type LoneService, startLoneService } from './lone-service.ts';
import { UnknownArgument } from './refusal.ts';

/** Runs one service as this very process, as the environment says. */
export const runService = (service: LoneService): void => {
  const runtime = systemRuntime();
  runGracefully({
    runtime,
    databaseUrl: process.env.DATABASE_URL,
    async start(signal) {
      const [argument] = process.argv.slice(2);
      if (argument !== undefined)
        throw new UnknownArgument(
          `Unknown argument ${argument}: settings are variables of the environment, as in REPLICA=1 npm run service ${service.name}`,
        );
      const settings = readSettings(process.env);
      return startLoneService(service, {
        settings,
        runtime,
        fetch: networkFetch(),
        readable:
          settings.LOG_FORMAT === 'readable' || (settings.LOG_FORMAT === 'auto' && process.stdout.isTTY),
        signal,
      });
    },
  });
};
