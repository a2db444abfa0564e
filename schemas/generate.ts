import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { check, record } from './gate/gate.ts';

/*
 * Publishes new versions: golden bytes, published.json, generated/contracts.ts. With --check it writes nothing and
 * exits 1 when something is stale or refused.
 */
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('.', import.meta.url));
const { refusals, written } = values.check ? { refusals: check(root), written: [] } : record(root);
for (const refusal of refusals) process.stderr.write(`refused: ${refusal}\n`);
for (const file of written) process.stdout.write(`wrote schemas/${file}\n`);
if (refusals.length === 0 && written.length === 0)
  process.stdout.write('schemas: everything is up to date\n');
process.exitCode = refusals.length === 0 ? 0 : 1;
