/** What supervised-process.int.test.ts has supervised: a program as ours are, that serves nothing. */
import { runGracefully, say } from '@cordada/infra/service/graceful-process.ts';
import { StartRefused } from '@cordada/infra/service/start-refused.ts';
import { systemRuntime } from '@cordada/infra/system-runtime.ts';
import { supervise } from '../src/distributed/supervised-process.ts';

class Refused extends StartRefused {}

const keepAlive = setInterval(() => undefined, 1_000);
const runtime = systemRuntime();

runGracefully({
  runtime,
  databaseUrl: undefined,
  async start() {
    if (process.env.OBEDIENT === 'refuses') throw new Refused('not today');
    if (process.env.OBEDIENT === 'supervises') {
      const child = supervise({
        program: ['apps/embedded/test/obedient-program.ts'],
        env: { ...process.env, OBEDIENT: undefined },
        runtime,
        line: (text) => say(text === 'up' ? `child ${child.pid()} up` : text),
        died: () => undefined,
      });
    } else {
      say('up');
    }
    return {
      async stop() {
        clearInterval(keepAlive);
        say('drained');
      },
    };
  },
});
