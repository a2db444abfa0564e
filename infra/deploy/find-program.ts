import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** @returns the path of a program, or undefined where PATH has none of that name */
export const findProgram = (name: string, path: string): string | undefined =>
  path
    .split(':')
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((candidate) => existsSync(candidate));
