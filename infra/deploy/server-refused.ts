import { StartRefused } from '../service/start-refused.ts';

/** Why a server cannot be started here, in one line for whoever asked for it: what is missing, and how to get it. */
export class ServerRefused extends StartRefused {
  override readonly name = 'ServerRefused';
}
