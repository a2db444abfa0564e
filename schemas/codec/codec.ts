import type avro from 'avsc';
import { type Contract, ContractError } from './contract.ts';
import type { SchemaJson } from './fingerprint.ts';
import { compileScan, contractError, Unreadable } from './scan.ts';
import { parseSchema } from './shape.ts';
import { avscType, reasonAgainst } from './types.ts';

/** One published schema of a contract. */
export interface ContractVersion {
  /** `<major>.<minor>` */
  readonly version: string;
  /** CRC-64-AVRO, 16 hex digits. */
  readonly fingerprint: string;
  readonly schema: SchemaJson;
}

interface Writer {
  readonly label: string;
  scan(payload: Buffer): void;
  read(payload: Buffer): unknown;
}

/**
 * Makes a contract of all its published versions of one major, oldest first. It writes the newest and reads them all.
 * @param name the record's name, followed by `V<major>` from the second major on
 * @throws SchemaError when a schema is none that this product takes; Error when the newest cannot read an older one
 */
export const defineContract = <Body>(
  owner: string,
  name: string,
  topic: string,
  versions: readonly ContractVersion[],
): Contract<Body> => {
  const newest = versions.at(-1);
  if (newest === undefined) throw new Error(`${name} has no version`);
  const reader = avscType(newest.schema);
  const writers = new Map(
    versions.map((written) => [written.fingerprint, writerOf(name, written, newest, reader)]),
  );
  const current = writers.get(newest.fingerprint) as Writer;

  return {
    name,
    owner,
    version: newest.version,
    topic,
    fingerprint: newest.fingerprint,
    schemas: versions.map(({ schema }) => JSON.stringify(schema)),
    encode(body) {
      let payload: Buffer;
      try {
        payload = reader.toBuffer(body);
      } catch (error) {
        throw contractError(current.label, unwritable(reader, body) ?? error);
      }
      try {
        // What is written can be read: the bounds hold on this side too.
        current.scan(payload);
      } catch (error) {
        throw contractError(current.label, error);
      }
      return payload;
    },
    decode(bytes, fingerprint) {
      const writer = fingerprint === undefined ? current : writers.get(fingerprint);
      if (writer === undefined) {
        throw new ContractError(`${name}: no version has the fingerprint ${fingerprint?.slice(0, 64)}`);
      }
      const payload = Buffer.isBuffer(bytes)
        ? bytes
        : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      try {
        writer.scan(payload);
        return writer.read(payload) as Body;
      } catch (error) {
        throw contractError(writer.label, error);
      }
    },
  };
};

const writerOf = (
  name: string,
  written: ContractVersion,
  newest: ContractVersion,
  reader: avro.Type,
): Writer => {
  const label = `${name} v${written.version}`;
  const scan = compileScan(parseSchema(written.schema));
  if (written === newest) return { label, scan, read: (payload) => reader.fromBuffer(payload) };
  const resolver = reader.createResolver(avscType(written.schema));
  return { label, scan, read: (payload) => reader.fromBuffer(payload, resolver) };
};

/** Finds the first field that keeps a body from being written. */
const unwritable = (type: avro.Type, body: unknown): Unreadable | undefined => {
  let found: Unreadable | undefined;
  type.isValid(body, {
    errorHook: (path, value, at) => {
      found ??= new Unreadable(
        reasonAgainst(value, at),
        path.map((step) => (/^\d+$/.test(step) ? Number(step) : step)),
      );
    },
  });
  return found;
};
