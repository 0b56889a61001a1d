import { parse } from 'lossless-json';
import { Json } from './wire';

/** More digits than a double holds exactly, for which the slower parser is needed. */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

const toNumber = (text: string): number | bigint => {
  const value = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
};

/** Parses JSON without rounding integers. Throws SyntaxError. */
export function parseJson(text: string): Json {
  return LONG_NUMBER.test(text) ? (parse(text, undefined, toNumber) as Json) : (JSON.parse(text) as Json);
}

/** Undefined for invalid JSON. */
export function tryParseJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

const NON_ASCII = /[\u007f-\uffff]/g;

const quote = (text: string): string =>
  JSON.stringify(text).replace(NON_ASCII, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

function dumpNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return Number.isFinite(value) ? String(value) : value > 0 ? 'Infinity' : '-Infinity';
}

/**
 * Writes JSON the way Python's `json.dumps` does: `", "` and `": "`, ASCII only, and - not valid JSON - bare NaN and
 * Infinity. Members that are undefined are left out.
 */
export function dumpJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return dumpNumber(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : dumpContainer(value);
    default:
      return 'null';
  }
}

function dumpContainer(value: object): string {
  if (Array.isArray(value)) return `[${value.map(dumpJson).join(', ')}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${quote(key)}: ${dumpJson(member)}`);
  }
  return `{${members.join(', ')}}`;
}
