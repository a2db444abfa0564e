import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schemaDifference } from './schema-difference.ts';

// node --import tsx infra/database/prisma/diff.ts <service>: the SQL that the service's migrations lack, exit code 1.
const [service] = process.argv.slice(2);
if (service === undefined) {
  console.error('usage: diff.ts <service>');
  process.exit(2);
}
const folder = resolve(fileURLToPath(import.meta.url), '../../../../apps', service, 'prisma');
const sql = await schemaDifference(folder);
if (sql === '') {
  console.log(`${service}: schema and migrations agree`);
} else {
  console.log(sql);
  process.exitCode = 1;
}
