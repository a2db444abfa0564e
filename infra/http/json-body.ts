import { HttpError } from './errors.ts';
import { Digits, exactly, pointerTo } from './json-text.ts';
import { isMoney, moneyOf, moneyRule } from './money.ts';

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

/**
 * Turns the kept texts of a body's numbers into what `schema` wants there: money into a string with two decimals, any
 * other number into a double.
 * @throws HttpError 400 naming the field when it is not money, or when a double cannot hold every digit
 */
export const settleNumbers = (value: unknown, schema: unknown): unknown => settle(value, schema as Shape, []);

const settle = (value: unknown, schema: Shape | undefined, path: readonly (string | number)[]): unknown => {
  if (isMoney(schema)) {
    const text = value instanceof Digits ? value.text : value;
    const amount = typeof text === 'string' ? moneyOf(text) : undefined;
    if (amount === undefined) throw refusal('IMPORTE_INVALIDO', moneyRule, path);
    return amount;
  }
  if (value instanceof Digits) {
    const variants = schema?.anyOf ?? [];
    const asMoney = variants.find(isMoney);
    if (asMoney !== undefined) return settle(value, asMoney, path);
    const number = exactly(value.text);
    if (number === undefined)
      throw refusal('NUMERO_INEXACTO', 'El número tiene más dígitos de los que se pueden conservar', path);
    return number;
  }
  if (Array.isArray(value)) {
    const items = schema?.items ?? schema?.anyOf?.find((variant) => variant.items !== undefined)?.items;
    return value.map((item, index) => settle(item, items, [...path, index]));
  }
  if (typeof value === 'object' && value !== null) {
    const properties =
      schema?.properties ?? schema?.anyOf?.find((variant) => variant.properties !== undefined)?.properties;
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        settle(
          field,
          properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined,
          [...path, key],
        ),
      ]),
    );
  }
  return value;
};

const refusal = (code: string, detail: string, path: readonly (string | number)[]): HttpError =>
  new HttpError({ status: 400, code, detail, source: { pointer: pointerTo(path) } });

/**
 * JSON with every digit: `Digits` stand as they are, a string where `schema` says money goes out as a number.
 * @throws TypeError when what should be money is not
 */
export const stringifyJson = (value: unknown, schema?: unknown): string =>
  write(value, schema as Shape | undefined) ?? 'null';

const write = (value: unknown, schema: Shape | undefined): string | undefined => {
  if (value instanceof Digits) return value.text;
  if (isMoney(schema) && typeof value === 'string') {
    const amount = moneyOf(value);
    if (amount === undefined) throw new TypeError('an amount of money in an answer is malformed');
    return amount;
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, schema?.items) ?? 'null').join(',')}]`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'object' && value !== null) {
    if ('toJSON' in value && typeof value.toJSON === 'function') return JSON.stringify(value);
    const fields: string[] = [];
    for (const [key, field] of Object.entries(value)) {
      const text = write(field, schema?.properties?.[key]);
      if (text !== undefined) fields.push(`${JSON.stringify(key)}:${text}`);
    }
    return `{${fields.join(',')}}`;
  }
  return JSON.stringify(value);
};
