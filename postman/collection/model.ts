import { functions } from './script-functions.ts';

/** One request of the collection, as its source states it. */
export interface RequestSource {
  readonly name: string;
  /** What it shows, for who reads the collection in Postman. */
  readonly describe: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Begins with `/`; `{{variables}}` are Postman's. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A value to send as JSON, or the very text to send. */
  readonly body?: object | string;
  /** Runs before the request is sent. */
  readonly before?: string;
  /** Runs on the answer. */
  readonly test: string;
}

export interface FolderSource {
  readonly name: string;
  readonly describe: string;
  readonly requests: readonly RequestSource[];
}

const usedBy = (script: string): Set<string> => {
  const used = new Set<string>();
  const visit = (text: string): void => {
    for (const [name, source] of Object.entries(functions)) {
      if (used.has(name) || !new RegExp(`\\b${name}\\(`).test(text)) continue;
      used.add(name);
      visit(source);
    }
  };
  visit(script);
  return used;
};

const dedent = (text: string): string => {
  const lines = text.replace(/^\n/, '').trimEnd().split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join('\n');
};

/** A script's lines, with the functions that it calls before it: Postman shares no code between scripts. */
const scriptLines = (script: string): string[] => {
  const used = usedBy(script);
  const needed = Object.entries(functions).flatMap(([name, source]) =>
    used.has(name) ? [dedent(source)] : [],
  );
  return [...needed, dedent(script)].join('\n').split('\n');
};

const event = (listen: 'prerequest' | 'test', script: string): object => ({
  listen,
  script: { type: 'text/javascript', exec: scriptLines(script) },
});

const item = (source: RequestSource): object => {
  const { name, describe, method, path, headers = {}, body, before, test } = source;
  const isJson =
    body !== undefined && !Object.keys(headers).some((key) => key.toLowerCase() === 'content-type');
  const sent = { ...(isJson ? { 'Content-Type': 'application/json' } : {}), ...headers };
  return {
    name,
    event: [...(before === undefined ? [] : [event('prerequest', before)]), event('test', test)],
    request: {
      method,
      header: Object.entries(sent).map(([key, value]) => ({ key, value })),
      ...(body === undefined
        ? {}
        : {
            body: {
              mode: 'raw',
              raw: typeof body === 'string' ? body : JSON.stringify(body, undefined, 2),
              options: { raw: { language: 'json' } },
            },
          }),
      url: `{{base}}${path}`,
      description: describe,
    },
    response: [],
  };
};

/** A Postman collection, format v2.1.0, from its source. `always` is tested on every answer. */
export const collection = (
  info: { readonly id: string; readonly name: string; readonly describe: string },
  variables: Readonly<Record<string, string>>,
  always: string,
  folders: readonly FolderSource[],
): object => ({
  info: {
    _postman_id: info.id,
    name: info.name,
    description: info.describe,
    schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  },
  item: folders.map((folder) => ({
    name: folder.name,
    description: folder.describe,
    item: folder.requests.map(item),
  })),
  event: [event('test', always)],
  variable: Object.entries(variables).map(([key, value]) => ({ key, value, type: 'string' })),
});
