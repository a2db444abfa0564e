/** A schema as JSON: the content of an `.avsc`. */
export type SchemaJson = string | readonly SchemaJson[] | { readonly [attribute: string]: unknown };

const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' || PRIMITIVES.has(name) ? name : `${namespace}.${name}`;

/**
 * The Parsing Canonical Form of the Avro specification ("Transforming into Parsing Canonical Form"): what determines
 * the bytes and nothing else, so docs, defaults and logical types are not in it.
 */
export const canonicalForm = (schema: SchemaJson, namespace = ''): string => {
  if (typeof schema === 'string') return JSON.stringify(fullName(schema, namespace));
  if (isUnion(schema)) return `[${schema.map((branch) => canonicalForm(branch, namespace)).join(',')}]`;
  const { type } = schema;
  if (typeof type !== 'string') return canonicalForm(type as SchemaJson, namespace);
  if (PRIMITIVES.has(type)) return JSON.stringify(type);
  if (type === 'array')
    return `{"type":"array","items":${canonicalForm(schema.items as SchemaJson, namespace)}}`;
  if (type === 'map')
    return `{"type":"map","values":${canonicalForm(schema.values as SchemaJson, namespace)}}`;
  if (typeof schema.name !== 'string') return JSON.stringify(fullName(type, namespace));

  const name = fullName(schema.name, typeof schema.namespace === 'string' ? schema.namespace : namespace);
  const head = `{"name":${JSON.stringify(name)},"type":"${type}"`;
  if (type === 'enum') return `${head},"symbols":${JSON.stringify(schema.symbols)}}`;
  if (type === 'fixed') return `${head},"size":${Number(schema.size)}}`;
  const inner = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
  const fields = (schema.fields as readonly { name: string; type: SchemaJson }[]).map(
    (field) => `{"name":${JSON.stringify(field.name)},"type":${canonicalForm(field.type, inner)}}`,
  );
  return `${head},"fields":[${fields.join(',')}]}`;
};

const isUnion = (schema: SchemaJson): schema is readonly SchemaJson[] => Array.isArray(schema);

const EMPTY = 0xc15d213aa4d7a795n;

const TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let entry = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) entry = (entry >> 1n) ^ (EMPTY & -(entry & 1n));
  return BigInt.asUintN(64, entry);
});

/** CRC-64-AVRO (Rabin) of bytes, as the Avro specification prints it in "Schema Fingerprints". */
export const crc64Avro = (bytes: Uint8Array): bigint => {
  let crc = EMPTY;
  for (const byte of bytes) crc = (crc >> 8n) ^ (TABLE[Number((crc ^ BigInt(byte)) & 0xffn)] as bigint);
  return crc;
};

/** CRC-64-AVRO of a schema's Parsing Canonical Form, 16 lower-case hex digits. */
export const fingerprintOf = (schema: SchemaJson): string =>
  crc64Avro(Buffer.from(canonicalForm(schema)))
    .toString(16)
    .padStart(16, '0');
