import { systemRuntime } from '../system-runtime.ts';
import { memoryBus } from './memory.ts';
import { busConformance } from './testing/conformance.ts';

busConformance('memory', async (manifest) => {
  const bus = memoryBus({ runtime: systemRuntime(), manifest });
  return { connect: async () => bus.connect(), close: () => bus.close() };
}).run();
