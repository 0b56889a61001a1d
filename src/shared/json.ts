import { parse, stringify } from 'lossless-json';

export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** 16 digits: the shortest integers that a double may not hold exactly. Digits after a decimal point do not match. */
const MAYBE_UNSAFE_INTEGER = /(?:^|[[:,\s-])\d{16}/;
const INTEGER = /^-?\d+$/;
const NOT_A_NUMBER = /-?Infinity|NaN/g;

function exactNumber(text: string): number | bigint {
  const value = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
}

/**
 * Parses JSON; integers that a double cannot hold exactly (seeds go up to 2^64-1) become `bigint`.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  if (!MAYBE_UNSAFE_INTEGER.test(text)) return JSON.parse(text);
  try {
    return parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });
  } catch (error) {
    throw error instanceof SyntaxError ? error : new SyntaxError('The JSON is nested too deeply', { cause: error });
  }
}

/**
 * Parses the output of Python's `json.dumps`: JSON with bare `NaN` and `Infinity`, which become null.
 * @throws SyntaxError
 */
export function parsePythonJson(text: string): unknown {
  if (!text.includes('NaN') && !text.includes('Infinity')) return parseJson(text);
  const pieces: string[] = [];
  let outside = 0;
  for (const { start, end } of stringsOf(text)) {
    pieces.push(text.slice(outside, start).replace(NOT_A_NUMBER, 'null'), text.slice(start, end));
    outside = end;
  }
  return parseJson(pieces.join('') + text.slice(outside).replace(NOT_A_NUMBER, 'null'));
}

/**
 * The ranges of the strings in a JSON text, quotes included. Not a regular expression: that exhausts the stack on strings
 * of megabytes, and workflows may contain images.
 */
export function* stringsOf(text: string): Generator<{ readonly start: number; readonly end: number }, void, undefined> {
  let start = text.indexOf('"');
  while (start >= 0) {
    let quote = text.indexOf('"', start + 1);
    while (quote >= 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
    if (quote < 0) return;
    yield { start, end: quote + 1 };
    start = text.indexOf('"', quote + 1);
  }
}

function isEscaped(text: string, index: number): boolean {
  let slashes = 0;
  while (text[index - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

/** Serializes values as JSON; a `bigint` becomes an integer. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    // Few values contain a bigint, for which JSON.stringify throws.
    return stringify(value) ?? 'null';
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
