/**
 * JSON without loss: what `JSON.parse` and `JSON.stringify` silently change (long numbers, repeated keys,
 * `__proto__`, half surrogate pairs) is kept or refused here.
 */

/** A JSON number kept as its text. Serialized as it stands. */
export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** Why a text is not acceptable JSON, and where (a JSON Pointer, RFC 6901). */
export class JsonRefused extends Error {
  readonly pointer: string;
  readonly code: string;

  constructor(code: string, detail: string, path: readonly (string | number)[]) {
    super(detail);
    this.code = code;
    this.pointer = pointerTo(path);
  }
}

/** A JSON Pointer (RFC 6901); empty for the whole document. */
export const pointerTo = (path: readonly (string | number)[]): string =>
  path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

export interface ParseOptions {
  /** The deepest nesting of arrays and objects; 32 when absent. */
  readonly maxDepth?: number;
  /** What a number becomes. When absent: a `number` where it holds every digit, else `Digits`. */
  readonly number?: (text: string) => unknown;
}

const maxDepthDefault = 32;
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/**
 * Parses one JSON document (RFC 8259).
 * @throws JsonRefused for malformed text, a repeated key, the keys `__proto__`, `constructor` and `prototype`, NUL or
 * a lone surrogate in a string, too deep a nesting
 */
export const parseJson = (text: string, options: ParseOptions = {}): unknown => {
  const maxDepth = options.maxDepth ?? maxDepthDefault;
  const toNumber = options.number ?? exactNumber;
  const path: (string | number)[] = [];
  let at = 0;

  const malformed = (): JsonRefused =>
    new JsonRefused('JSON_MALFORMADO', `El cuerpo no es JSON válido (carácter ${at + 1})`, path);

  const skipSpace = (): void => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at += 1;
    }
  };

  /** Where what stands for itself in a string ends: at a quote, a backslash or a control character. */
  const plainEnd = (): number => {
    let end = at;
    for (; end < text.length; end += 1) {
      const code = text.charCodeAt(end);
      if (code === 0x22 || code === 0x5c || code < 0x20) break;
    }
    return end;
  };

  const string = (): string => {
    let value = '';
    at += 1;
    for (;;) {
      const end = plainEnd();
      value += text.slice(at, end);
      at = end;
      const mark = text[at];
      if (mark === '"') break;
      if (mark !== '\\') throw malformed();
      const letter = text[at + 1] ?? '';
      if (letter === 'u') {
        const hex = text.slice(at + 2, at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw malformed();
        value += String.fromCharCode(Number.parseInt(hex, 16));
        at += 6;
      } else {
        const plain = escapes[letter];
        if (plain === undefined) throw malformed();
        value += plain;
        at += 2;
      }
    }
    at += 1;
    return value;
  };

  const checked = (value: string): string => {
    const fault = textFault(value);
    if (fault !== undefined) throw new JsonRefused('TEXTO_INVALIDO', fault, path);
    return value;
  };

  const object = (depth: number): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    at += 1;
    skipSpace();
    if (text[at] === '}') {
      at += 1;
      return result;
    }
    for (;;) {
      if (text[at] !== '"') throw malformed();
      const key = string();
      path.push(key);
      checked(key);
      if (forbiddenKeys.has(key))
        throw new JsonRefused('CAMPO_PROHIBIDO', `El campo «${key}» no se admite`, path);
      if (Object.hasOwn(result, key))
        throw new JsonRefused('CAMPO_REPETIDO', `El campo «${key}» está repetido`, path);
      skipSpace();
      if (text[at] !== ':') throw malformed();
      at += 1;
      result[key] = value(depth);
      path.pop();
      const mark = text[at];
      if (mark !== ',' && mark !== '}') throw malformed();
      at += 1;
      if (mark === '}') return result;
      skipSpace();
    }
  };

  const array = (depth: number): unknown[] => {
    const result: unknown[] = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') {
      at += 1;
      return result;
    }
    for (;;) {
      path.push(result.length);
      result.push(value(depth));
      path.pop();
      const mark = text[at];
      if (mark !== ',' && mark !== ']') throw malformed();
      at += 1;
      if (mark === ']') return result;
    }
  };

  const literal = <Value>(name: string, value: Value): Value => {
    if (!text.startsWith(name, at)) throw malformed();
    at += name.length;
    return value;
  };

  const number = (): unknown => {
    numberPattern.lastIndex = at;
    if (!numberPattern.test(text)) throw malformed();
    const digits = text.slice(at, numberPattern.lastIndex);
    at = numberPattern.lastIndex;
    return toNumber(digits);
  };

  const scalar = (): unknown => {
    switch (text[at]) {
      case 't':
        return literal('true', true);
      case 'f':
        return literal('false', false);
      case 'n':
        return literal('null', null);
      default:
        return number();
    }
  };

  /** Reads a value and the space around it. */
  const value = (depth: number): unknown => {
    skipSpace();
    const mark = text[at];
    let result: unknown;
    if (mark === '{' || mark === '[') {
      if (depth >= maxDepth)
        throw new JsonRefused('DEMASIADO_PROFUNDO', `El cuerpo anida más de ${maxDepth} niveles`, path);
      result = mark === '{' ? object(depth + 1) : array(depth + 1);
    } else if (mark === '"') result = checked(string());
    else result = scalar();
    skipSpace();
    return result;
  };

  const document = value(0);
  if (at !== text.length) throw malformed();
  return document;
};

/** A number that a double may not hold: of more than 15 digits, or with an exponent. Found in strings, too. */
const LONG_NUMBER = /(?:^|[:,[])\s*-?(?:[\d.]{16}|[\d.]+[eE])/;

/**
 * Parses what another service of ours wrote, several times as fast as `parseJson`: it repeats no key, and its numbers
 * are as exact as there.
 * @throws SyntaxError for malformed text, JsonRefused as `parseJson`
 */
export const parseOwnJson = (text: string): unknown =>
  LONG_NUMBER.test(text) ? parseJson(text) : JSON.parse(text);

/** Why a text cannot be stored and returned as it is; undefined when it can. */
export const textFault = (text: string): string | undefined => {
  if (text.includes('\u0000')) return 'El texto contiene el carácter NUL';
  if (!text.isWellFormed()) return 'El texto contiene medio par sustituto de Unicode';
  return undefined;
};

/** A decimal as its significant digits and the power of ten of the last one; `digits` is empty for zero. */
export interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** Takes a JSON number's text apart. Two texts have equal parts exactly when they are the same number. */
export const decimalOf = (text: string): Decimal => {
  const [mantissa = '', power = '0'] = text.toLowerCase().split('e');
  const negative = mantissa.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? mantissa.slice(1) : mantissa).split('.');
  const all = `${whole}${fraction}`.replace(/^0+/, '');
  let end = all.length;
  while (end > 0 && all[end - 1] === '0') end -= 1;
  const digits = all.slice(0, end);
  if (digits === '') return { negative: false, digits, exponent: 0 };
  return { negative, digits, exponent: Number(power) - fraction.length + (all.length - end) };
};

/** The number a text stands for, or undefined where a double cannot give back every digit of it. */
export const exactly = (text: string): number | undefined => {
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  const given = String(number);
  if (given === text) return number;
  const asked = decimalOf(text);
  const held = decimalOf(given);
  return asked.digits === held.digits && asked.exponent === held.exponent && asked.negative === held.negative
    ? number
    : undefined;
};

const exactNumber = (text: string): unknown => exactly(text) ?? new Digits(text);
