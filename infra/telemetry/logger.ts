import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** The service; in every line as `service`. */
  readonly name: string;
  readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** One readable line an event, for a terminal; JSON otherwise. */
  readonly readable: boolean;
  /** The clock of the `time` field (epoch milliseconds). */
  now(): number;
  /** Where lines go; stdout when absent. */
  readonly destination?: DestinationStream;
}

/** What must never be read in a log, wherever it stands in a line. */
const secrets = ['authorization', 'apiKey', '*.authorization', '*["x-api-key"]', '*.cookie'];

/** A logger that writes one line an event. Pass `saga`, `message` and `contract` as fields, never inside the text. */
export const createLogger = (options: LoggerOptions): Logger => {
  const destination = options.destination ?? pino.destination({ dest: 1, sync: true });
  const stream = options.readable
    ? pretty({
        destination,
        colorize: options.destination === undefined,
        ignore: 'pid,hostname',
        singleLine: true,
        sync: true,
      })
    : destination;
  return pino(
    {
      level: options.level,
      base: { service: options.name },
      timestamp: () => `,"time":"${new Date(options.now()).toISOString()}"`,
      redact: { paths: secrets, censor: '…' },
    },
    stream,
  );
};
