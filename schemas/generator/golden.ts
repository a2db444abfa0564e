import { join } from 'node:path';
import { defineContract } from '../codec/codec.ts';
import type { Contract } from '../codec/contract.ts';
import type { Shape } from '../codec/shape.ts';
import type { Source } from '../gate/sources.ts';
import { samplesOf } from './samples.ts';

/** What a version's values look like on the wire, written down once and compared for ever. */
interface Golden {
  readonly contract: string;
  readonly version: string;
  readonly fingerprint: string;
  readonly samples: readonly { readonly value: unknown; readonly hex: string }[];
}

export const GOLDEN_FOLDER = 'golden';

export const goldenPath = (root: string, { contract, major, minor }: Source): string =>
  join(root, GOLDEN_FOLDER, `${contract}.v${major}.${minor}.json`);

/** The golden file of a version that was never published. */
export const newGolden = (source: Source): string => {
  const contract = alone(source);
  const golden: Golden = {
    contract: `${source.owner}/${source.contract}`,
    version: contract.version,
    fingerprint: source.fingerprint,
    samples: samplesOf(source.shape).map((value) => ({
      value: toJson(source.shape, value),
      hex: contract.encode(value).toString('hex'),
    })),
  };
  return `${JSON.stringify(golden, null, 2)}\n`;
};

/**
 * Compares a golden file with what the codec does today: the same bytes for the same value and back, and bytes that
 * the newest version still reads.
 * @returns one sentence a difference
 */
export const checkGolden = (source: Source, text: string, newest: Contract<unknown>): readonly string[] => {
  const golden = JSON.parse(text) as Golden;
  const contract = alone(source);
  const refusals: string[] = [];
  if (golden.fingerprint !== source.fingerprint)
    refusals.push(`its fingerprint is ${source.fingerprint} now`);
  for (const [at, { value, hex }] of golden.samples.entries()) {
    try {
      const bytes = Buffer.from(hex, 'hex');
      const written = contract.encode(fromJson(source.shape, value)).toString('hex');
      if (written !== hex) refusals.push(`sample ${at} is written as ${written} now`);
      const read = JSON.stringify(toJson(source.shape, contract.decode(bytes)));
      if (read !== JSON.stringify(value)) refusals.push(`sample ${at} is read as ${read} now`);
      newest.decode(bytes, source.fingerprint);
    } catch (error) {
      refusals.push(`sample ${at}: ${(error as Error).message}`);
    }
  }
  return refusals;
};

const alone = (source: Source): Contract<unknown> => {
  const { owner, contract, major, minor, fingerprint, schema } = source;
  return defineContract(owner, contract, '', [{ version: `${major}.${minor}`, fingerprint, schema }]);
};

/** A value as JSON that loses nothing: longs as texts, instants in RFC 3339, bytes in hex, maps as lists of pairs. */
const toJson = (shape: Shape, value: unknown): unknown => {
  switch (shape.kind) {
    case 'long':
      return String(value);
    case 'timestamp-millis':
      return (value as Date).toISOString();
    case 'bytes':
    case 'fixed':
      return (value as Buffer).toString('hex');
    case 'optional':
      return value === null ? null : toJson(shape.value, value);
    case 'array':
      return (value as readonly unknown[]).map((item) => toJson(shape.items, item));
    case 'map':
      return Array.from(value as ReadonlyMap<string, unknown>, ([key, item]) => [
        key,
        toJson(shape.values, item),
      ]);
    case 'record':
      return mapFields(shape.fields, value, toJson);
    default:
      return value;
  }
};

const fromJson = (shape: Shape, json: unknown): unknown => {
  switch (shape.kind) {
    case 'long':
      return BigInt(json as string);
    case 'timestamp-millis':
      return new Date(json as string);
    case 'bytes':
    case 'fixed':
      return Buffer.from(json as string, 'hex');
    case 'optional':
      return json === null ? null : fromJson(shape.value, json);
    case 'array':
      return (json as readonly unknown[]).map((item) => fromJson(shape.items, item));
    case 'map':
      return new Map((json as [string, unknown][]).map(([key, item]) => [key, fromJson(shape.values, item)]));
    case 'record':
      return mapFields(shape.fields, json, fromJson);
    default:
      return json;
  }
};

const mapFields = (
  fields: readonly { readonly name: string; readonly shape: Shape }[],
  value: unknown,
  convert: (shape: Shape, value: unknown) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(
    fields.map(({ name, shape }) => [name, convert(shape, (value as Record<string, unknown>)[name])]),
  );
