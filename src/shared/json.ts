import { parse, stringify } from 'lossless-json';

export type JsonValue = string | number | bigint | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Of 16 digits are the shortest integers that a double may not hold exactly; those behind a point are none. */
const MAYBE_UNSAFE_INTEGER = /(?:^|[[:,\s-])\d{16}/;
const INTEGER = /^-?\d+$/;
const NOT_A_NUMBER = /-?Infinity|NaN/g;

function exactNumber(text: string): number | bigint {
  const value = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
}

/**
 * JSON text to values; integers a double cannot hold (seeds go up to 2^64-1) become `bigint`.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  if (!MAYBE_UNSAFE_INTEGER.test(text)) return JSON.parse(text);
  try {
    return parse(text, null, { parseNumber: exactNumber, onDuplicateKey: ({ newValue }) => newValue });
  } catch (error) {
    throw error instanceof SyntaxError ? error : new SyntaxError('JSON is nested too deeply', { cause: error });
  }
}

/**
 * What ComfyUI writes with Python's `json.dumps`: like JSON, but `NaN` and `Infinity` stand bare. They are read as null.
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
 * The strings of a JSON text, from the opening quote to behind the closing one. By hand, because a regular expression
 * runs out of stack on a string of megabytes, and workflows carry pictures.
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

/** Values to JSON text; a `bigint` is written as the integer it is. */
export function stringifyJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    // There are few that JSON itself does not know.
    return stringify(value) ?? 'null';
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
