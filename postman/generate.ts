import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cordadaCollection, localEnvironment } from './collection/cordada.ts';

/** Writes the files that Postman imports, from `collection/` and `folders/`. */
const files = [
  ['cordada.postman_collection.json', cordadaCollection],
  ['cordada.postman_environment.json', localEnvironment],
] as const;

const paths = files.map(([name, content]) => {
  const path = fileURLToPath(new URL(name, import.meta.url));
  writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`);
  return path;
});
execFileSync('npx', ['biome', 'format', '--write', ...paths], { stdio: ['ignore', 'ignore', 'inherit'] });
process.stdout.write(`${paths.join('\n')}\n`);
