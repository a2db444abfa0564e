import { fileURLToPath } from 'node:url';
import { check } from './gate.ts';

/* `npm run schemas:check`: exits 1 with the reasons when the schemas are not what was published, or not compatible. */
const refusals = check(fileURLToPath(new URL('..', import.meta.url)));
for (const refusal of refusals) process.stderr.write(`refused: ${refusal}\n`);
if (refusals.length === 0) process.stdout.write('schemas: as published, compatible, generated\n');
process.exitCode = refusals.length === 0 ? 0 : 1;
