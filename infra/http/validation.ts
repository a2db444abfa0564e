import type { FastifyRequest, FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { ErrorSource, Problem } from './errors.ts';
import { HttpError } from './errors.ts';
import { textFault } from './json-text.ts';

/** TypeBox's report of one fault. */
interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** The most problems that one answer lists. */
const mostProblems = 20;

/** Validates without changing types: only query and path parameters, which are text, become what their schema says. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema);
  const convert = httpPart === 'body' ? undefined : fromText(schema);
  return (input: unknown) => {
    const value = convert ? convert(input) : input;
    if (compiled.Check(value)) return { value };
    const faults = compiled.Errors(value) as unknown as readonly Fault[];
    return { error: new HttpError(problemsOf(faults, httpPart ?? 'body')) };
  };
};

/**
 * `'12'` as 12 where the schema wants a whole number, `'true'` as true where it wants a truth value.
 * @returns undefined where the schema wants text only
 */
const fromText = (schema: TSchema): ((input: unknown) => unknown) | undefined => {
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {};
  const wanted = new Map(
    Object.entries(properties).flatMap(([name, { type }]) =>
      type === 'integer' || type === 'boolean' ? [[name, type] as const] : [],
    ),
  );
  if (wanted.size === 0) return undefined;
  return (input) => {
    if (typeof input !== 'object' || input === null) return input;
    return Object.fromEntries(
      Object.entries(input).map(([name, text]) => {
        const type = wanted.get(name);
        if (type === 'integer' && typeof text === 'string' && /^-?[0-9]{1,15}$/.test(text))
          return [name, Number(text)];
        if (type === 'boolean' && (text === 'true' || text === 'false')) return [name, text === 'true'];
        return [name, text];
      }),
    );
  };
};

const problemsOf = (faults: readonly Fault[], part: string): Problem[] => {
  const problems = new Map<string, Problem>();
  const add = (path: string, code: string, detail: string): void => {
    if (problems.has(path) || problems.size >= mostProblems) return;
    const source: ErrorSource =
      part === 'body'
        ? { pointer: path }
        : part === 'headers'
          ? { header: path.slice(1) }
          : { parameter: path.slice(1) };
    problems.set(path, { status: 400, code, detail, source });
  };
  for (const { keyword, instancePath, params } of faults) {
    if (keyword === 'required')
      for (const name of params.requiredProperties as string[])
        add(`${instancePath}/${escapeToken(name)}`, 'CAMPO_REQUERIDO', `Falta «${name}»`);
    else if (keyword === 'boolean') add(instancePath, 'CAMPO_DESCONOCIDO', 'El campo no se conoce');
    else if (keyword === 'additionalProperties') {
      // Each of the names came as a `boolean` fault of its own where it has a value to point at.
      for (const name of params.additionalProperties as string[])
        add(`${instancePath}/${escapeToken(name)}`, 'CAMPO_DESCONOCIDO', 'El campo no se conoce');
    } else if (keyword === 'const' || keyword === 'anyOf' || keyword === 'enum') {
      const allowed = faults.flatMap((fault) =>
        fault.instancePath !== instancePath
          ? []
          : fault.keyword === 'const'
            ? [fault.params.allowedValue]
            : fault.keyword === 'enum'
              ? (fault.params.allowedValues as unknown[])
              : [],
      );
      add(
        instancePath,
        'VALOR_INVALIDO',
        allowed.length === 0 ? 'El valor no es de los admitidos' : `Debe ser uno de: ${allowed.join(', ')}`,
      );
    } else add(instancePath, 'VALOR_INVALIDO', describe(keyword, params));
  }
  if (problems.size === 0) add('', 'VALOR_INVALIDO', 'El valor no es válido');
  return [...problems.values()];
};

const typeNames: Readonly<Record<string, string>> = {
  array: 'una lista',
  boolean: 'true o false',
  integer: 'un número entero',
  null: 'null',
  number: 'un número',
  object: 'un objeto',
  string: 'un texto',
};

const describe = (keyword: string, params: Readonly<Record<string, unknown>>): string => {
  switch (keyword) {
    case 'type': {
      const types = ([] as unknown[])
        .concat(params.type)
        .map((type) => typeNames[String(type)] ?? String(type));
      return `Debe ser ${types.join(' o ')}`;
    }
    case 'minLength':
      return params.limit === 1 ? 'No puede estar vacío' : `Debe tener al menos ${params.limit} caracteres`;
    case 'maxLength':
      return `Debe tener como mucho ${params.limit} caracteres`;
    case 'minItems':
      return `Debe tener al menos ${params.limit} elementos`;
    case 'maxItems':
      return `Debe tener como mucho ${params.limit} elementos`;
    case 'minimum':
    case 'exclusiveMinimum':
    case 'maximum':
    case 'exclusiveMaximum':
      return `Debe ser ${params.comparison} ${params.limit}`;
    case 'format':
      return `No tiene el formato ${params.format}`;
    case 'pattern':
      return 'No tiene el formato que se pide';
    default:
      return 'El valor no es válido';
  }
};

const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');

/**
 * Refuses a request whose URL cannot be read as text, or holds text that could not be stored.
 * @throws HttpError 400 naming the parameter
 */
export const checkUrlText = (request: FastifyRequest): void => {
  const query = request.url.indexOf('?');
  if (query >= 0)
    for (const pair of request.url.slice(query + 1).split('&')) {
      const name = pair.split('=', 1)[0] ?? '';
      try {
        decodeURIComponent(pair.replaceAll('+', ' '));
      } catch {
        throw badParameter(name, 'La codificación con % no es válida');
      }
    }
  for (const values of [request.query, request.params])
    for (const [name, value] of Object.entries((values ?? {}) as Record<string, unknown>)) {
      if (Array.isArray(value)) throw badParameter(name, 'El parámetro está repetido');
      const fault = textFault(String(value)) ?? textFault(name);
      if (fault !== undefined) throw badParameter(name, fault);
    }
};

const badParameter = (parameter: string, detail: string): HttpError =>
  new HttpError({ status: 400, code: 'PARAMETRO_INVALIDO', detail, source: { parameter } });

const visibleAscii = /^[\u0021-\u007e]+$/;

/** Whether `text` is 1 to `most` visible ASCII characters. */
export const isToken = (text: string, most: number): boolean =>
  text.length <= most && visibleAscii.test(text);

/** A header that appears at most once and is short, visible ASCII. @throws HttpError 400 naming the header */
export const tokenHeader = (request: FastifyRequest, header: string, most: number): string | undefined => {
  const value = request.headers[header];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && isToken(value, most)) return value;
  throw new HttpError({
    status: 400,
    code: 'CABECERA_INVALIDA',
    detail: `Debe tener de 1 a ${most} caracteres ASCII visibles`,
    source: { header },
  });
};
