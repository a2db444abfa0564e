/** As much of OpenAPI as tells what a route takes. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly parameters?: readonly {
    readonly in: 'path' | 'query' | 'header';
    readonly name: string;
    readonly schema: Schema;
  }[];
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
  };
}

interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly example?: unknown;
  readonly const?: unknown;
  readonly 'x-money'?: boolean;
}

/** A route as the document lists it. */
export interface Route {
  readonly method: string;
  /** With `{names}` where parameters stand. */
  readonly template: string;
  readonly operation: Operation;
}

/** Where in a request an error says the fault is. */
export type Source =
  | { readonly pointer: string }
  | { readonly parameter: string }
  | { readonly header: string };

/** A request that a route must refuse. */
export interface BadRequest {
  readonly says: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** Absent where a 4xx is not about one field. */
  readonly source?: Source;
}

export const routesOf = ({ paths }: ApiDocument): Route[] =>
  Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      template,
      operation,
    })),
  );

const nobody = '00000000-0000-4000-8000-000000000000';

/** The route's path; `changed` instead of one of its parameters. */
export const pathOf = ({ template }: Route, changed: Readonly<Record<string, string>> = {}): string =>
  template
    .replace(/\{(\w+)\}/g, (_, name: string) => changed[name] ?? (name === 'tipo' ? 'campaign' : nobody))
    .replace(/[^\u0000-\u007f]/g, encodeURIComponent);

/** The media type of the route's body, and what the document says of it. */
const mediaOf = ({ operation }: Route) => Object.entries(operation.requestBody?.content ?? {})[0];

/** The example that the document gives of the route's body. */
export const exampleOf = (route: Route): unknown => {
  const [, media] = mediaOf(route) ?? [];
  return media?.example ?? media?.schema.example;
};

/** What a good request of the route bears: its media type, and the demo's key where it asks for one. */
export const headersOf = (route: Route): Record<string, string> => {
  const [type] = mediaOf(route) ?? [];
  return {
    ...(type !== undefined && { 'content-type': type }),
    ...(route.operation.security?.some((one) => 'apiKey' in one) && { 'x-api-key': 'secret-key-123' }),
  };
};

/** All that is wrong in every way the table knows. */
export const badRequestsOf = (route: Route): BadRequest[] =>
  [...badPaths(route), ...badQueries(route), ...badHeaders(route), ...badBodies(route)].map((bad) => ({
    ...bad,
    headers: { ...headersOf(route), ...bad.headers },
  }));

const badPaths = (route: Route): BadRequest[] => {
  const { method, operation } = route;
  const names = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
  return names.flatMap((name): BadRequest[] =>
    (
      [
        ['%zz', 400, { parameter: 'url' }],
        ['%ff', 400, { parameter: 'url' }],
        ['%ed%a0%80', 400, { parameter: 'url' }],
        ['a%00b', 400, { parameter: name }],
        ['x'.repeat(4_000), 404, undefined],
      ] as const
    ).map(([value, status, source]) => ({
      says: `${name}=${value.slice(0, 20)}`,
      method,
      path: pathOf(route, { [name]: value }),
      ...body(route),
      status,
      ...(source && { source }),
    })),
  );
};

const badQueries = (route: Route): BadRequest[] => {
  const parameters = (route.operation.parameters ?? []).filter((one) => one.in === 'query');
  const wrong = (name: string, query: string): BadRequest => ({
    says: `?${query.slice(0, 60)}`,
    method: route.method,
    path: `${pathOf(route)}?${query}`,
    ...body(route),
    status: 400,
    source: { parameter: name },
  });
  return [
    ...parameters.flatMap(({ name, schema }) => [
      wrong(name, `${name}=%00`),
      wrong(name, `${name}=%zz`),
      wrong(name, `${name}=%ed%a0%80`),
      wrong(name, `${name}=1&${name}=2`),
      ...wordsAgainst(schema).map((word) => wrong(name, `${name}=${word}`)),
    ]),
    ...(parameters.length === 0 ? [] : [wrong('otro', 'otro=1'), wrong('__proto__', '__proto__=1')]),
  ];
};

/** Texts of a query parameter that its schema does not allow. */
const wordsAgainst = (schema: Schema): string[] => {
  if (schema.type === 'integer')
    return ['', 'x', '1.5', '-1', '0', '1e3', '0x10', '99999999999999999999', 'NaN', 'null', '+1', '%201'];
  if (schema.anyOf) return ['', 'OTRO', 'running', 'null'];
  if (schema.format === 'date-time')
    return ['', 'ayer', '2026-13-01T00:00:00Z', '2026-01-01', '0000-01-01T00:00:00Z', '2026-12-31T23:59:60Z'];
  return [];
};

const badHeaders = (route: Route): BadRequest[] => {
  const wrong = (header: string, value: string, status = 400): BadRequest => ({
    says: `${header}: ${value.slice(0, 30)}`,
    method: route.method,
    path: pathOf(route),
    ...body(route),
    headers: { [header]: value },
    status,
    ...(status < 431 && { source: { header } }),
  });
  const tokens = ['', 'a b', 'ñ', 'k'.repeat(256), 'k'.repeat(4_000)];
  return [
    ...['a b', 'ñ', 'k'.repeat(256)].map((value) => wrong('x-request-id', value)),
    ...(route.method === 'POST' ? tokens.map((value) => wrong('idempotency-key', value)) : []),
    wrong('idempotency-key', 'k'.repeat(20_000), 431),
  ];
};

const badBodies = (route: Route): BadRequest[] => {
  const [own, media] = mediaOf(route) ?? [];
  if (media === undefined) return [];
  const { schema } = media;
  const example = exampleOf(route);
  const whole = JSON.stringify(example);
  const wrong = (says: string, text: string, pointer?: string, status = 400): BadRequest => ({
    says,
    method: route.method,
    path: pathOf(route),
    body: text,
    status,
    ...(pointer !== undefined && { source: { pointer } }),
  });
  const typed = [
    'text/plain',
    'application/xml',
    'application/json',
    'application/vnd.api+json',
    'application/x-www-form-urlencoded',
  ].filter((type) => type !== own);
  return [
    wrong('no body', '', ''),
    wrong('broken off', whole.slice(0, -1)),
    wrong('something after it', `${whole} x`),
    wrong('a comma too many', `${whole.slice(0, -1)},}`),
    wrong('single quotes', whole.replaceAll('"', "'")),
    ...['null', '7', '"x"', '[]', 'true'].map((text) => wrong(text, text, '')),
    wrong('too deep', `{"otro":${'['.repeat(50_000)}`),
    wrong('too large', `{"otro":"${'ñ'.repeat(600_000)}"}`, '', 413),
    wrong('a lone surrogate for a key', `{"\\ud800":1,${whole.slice(1)}`, '/\ud800'),
    ...typed.map(
      (type): BadRequest => ({
        ...wrong(`Content-Type: ${type}`, whole, undefined, 415),
        headers: { 'content-type': type },
        source: { header: 'content-type' },
      }),
    ),
    ...fieldsOf(schema, example).flatMap((field) => badFields(field, example, wrong)),
  ];
};

interface Field {
  readonly path: readonly (string | number)[];
  readonly schema: Schema;
  readonly required: boolean;
  readonly value: unknown;
}

/** Every field that the example has, and the body itself; of a list its first item. */
const fieldsOf = (
  schema: Schema,
  value: unknown,
  path: readonly (string | number)[] = [],
  required = true,
): Field[] => {
  const self = { path, schema, required, value };
  if (schema.items !== undefined && Array.isArray(value))
    return [self, ...fieldsOf(schema.items, value[0], [...path, 0])];
  if (schema.properties === undefined || typeof value !== 'object' || value === null) return [self];
  const { properties, required: needed = [] } = schema;
  return [
    self,
    ...Object.entries(value).flatMap(([name, field]) =>
      fieldsOf(properties[name] ?? {}, field, [...path, name], needed.includes(name)),
    ),
  ];
};

const pointerTo = (path: readonly (string | number)[]): string => path.map((step) => `/${step}`).join('');

type Wrong = (says: string, text: string, pointer?: string) => BadRequest;

const badFields = (
  { path, schema, required, value }: Field,
  example: unknown,
  wrong: Wrong,
): BadRequest[] => {
  const at = pointerTo(path);
  const name = path.at(-1);
  const bad: BadRequest[] = [];
  if (path.length > 0)
    for (const text of textsAgainst(schema, value)) {
      const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
      bad.push(wrong(`${at}=${shown}`, replaced(example, path, text), at));
    }
  if (typeof name === 'string') {
    const twice = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    const escaped = `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}":0`;
    bad.push(wrong(`${at} twice`, replaced(example, path, JSON.stringify(value), `,${twice}`), at));
    bad.push(
      wrong(`${at} twice, escaped`, replaced(example, path, JSON.stringify(value), `,${escaped}`), at),
    );
    if (required) bad.push(wrong(`${at} missing`, without(example, path), at));
  }
  if (schema.properties !== undefined)
    for (const [key, text] of [
      ['otro_campo', '1'],
      ['otro_campo', 'null'],
      ['otro_campo', '1e999'],
      ['otro_campo', '12345678901234567890'],
      ['__proto__', '{"estado":"APROBADA"}'],
      ['constructor', '{"prototype":{}}'],
      ['prototype', 'null'],
    ] as const)
      bad.push(wrong(`${at}/${key}=${text}`, added(example, path, `"${key}":${text}`), `${at}/${key}`));
  return bad;
};

const notText = ['null', '7', 'true', '[]', '{}', '1e999', '12345678901234567890'];
const brokenText = ['"a\\u0000b"', '"\\ud800"', '"\\udc00\\ud800"'];

/** JSON texts of a field that its schema does not allow. @param value one that it does */
const textsAgainst = (schema: Schema, value: unknown): string[] => {
  if (schema['x-money'])
    return [
      ...['null', 'true', '[]', '{}', '"x"', '""', '-1', '"-1"', '-0.0', '10.125', '"10.125"', '10.000'],
      ...['12345678901234567', '"12345678901234567"', '1e999', '-1e999', '1e-3', '" 1"', '"1,5"', '"NaN"'],
      ...brokenText,
    ];
  const kinds = (schema.anyOf ?? []).filter(({ const: fixed }) => fixed === undefined);
  if (kinds.length > 0) {
    const [first = [], ...others] = kinds.map((kind) => textsAgainst(kind, value));
    return first.filter((text) => others.every((texts) => texts.includes(text)));
  }
  if (schema.anyOf !== undefined || schema.enum !== undefined)
    return [...notText, ...brokenText, '"otro"', '""'];
  switch (schema.type) {
    case 'string': {
      const most = Number(/\{\d,(\d+)\}/.exec(schema.pattern ?? '')?.[1] ?? Number.NaN);
      return [
        ...notText,
        ...brokenText,
        ...((schema.minLength ?? 0) > 0 ? ['""'] : []),
        // One letter with many accents is one to a reader, and many to a database.
        ...(Number.isNaN(most) ? [] : [`"${'n'.repeat(most + 1)}"`, `"n${'\u0303'.repeat(most)}"`]),
      ];
    }
    case 'boolean':
      return ['null', '0', '1', '"true"', '""', '[]', '{}', '1e999'];
    case 'integer':
      return [
        ...['null', '"1"', 'true', '1.5', '1e999', '9007199254740993', '[]', '{}', '1e20'],
        ...((schema.minimum ?? 0) < 0 ? [] : ['-1']),
        ...((schema.minimum ?? 0) <= 0 && (schema.maximum ?? 0) >= 0 ? [] : ['0']),
      ];
    case 'array':
      return [
        ...['null', '{}', '"x"', '7', 'true'],
        ...(schema.maxItems === undefined ? [] : [manyOf(value, schema.maxItems + 1)]),
      ];
    case 'object':
      return ['null', '[]', '"x"', '7', 'true'];
    case 'null':
      return [...notText.filter((text) => text !== 'null'), ...brokenText];
    default:
      throw new Error(`the table knows nothing of ${JSON.stringify(schema)}`);
  }
};

const manyOf = (list: unknown, count: number): string => {
  const [first] = list as readonly object[];
  return JSON.stringify(
    Array.from({ length: count }, (_, index) =>
      'id' in (first ?? {}) ? { ...first, id: `id-${index}` } : { ...first },
    ),
  );
};

const token = '«here»';

/** The example's text with `text` for the value at `path`, and `after` behind it. */
const replaced = (example: unknown, path: readonly (string | number)[], text: string, after = ''): string =>
  JSON.stringify(changed(example, path, () => token)).replace(`"${token}"`, () => text + after);

/** The example's text with one more member, first in the object at `path`. */
const added = (example: unknown, path: readonly (string | number)[], member: string): string =>
  JSON.stringify(changed(example, path, (object) => ({ [token]: 0, ...(object as object) }))).replace(
    `"${token}":0`,
    () => member,
  );

const without = (example: unknown, path: readonly (string | number)[]): string =>
  JSON.stringify(changed(example, path, () => undefined));

const changed = (
  value: unknown,
  [step, ...rest]: readonly (string | number)[],
  change: (value: unknown) => unknown,
): unknown => {
  if (step === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? changed(item, rest, change) : item));
  const object = value as Readonly<Record<string, unknown>>;
  return { ...object, [step]: changed(object[step], rest, change) };
};

const body = (route: Route): { readonly body?: string } => {
  const example = exampleOf(route);
  return example === undefined ? {} : { body: JSON.stringify(example) };
};
