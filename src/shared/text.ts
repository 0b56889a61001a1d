import { isObject } from './json';

const CONTROL_CHARACTERS = /[\p{Cc}\u2028\u2029]+/gu;

/** A string unchanged, a number as text, any other value as an empty string. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Makes untrusted text safe for one log line or sentence: no control characters, at most `maxLength` characters. */
export function oneLine(text: string, maxLength = 500): string {
  const line = text.replace(CONTROL_CHARACTERS, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}

/** Replaces the characters that PostgreSQL refuses in texts: NUL and lone surrogates. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** Applies {@link storableText} to every string value of a JSON value. */
export function withStorableTexts<T>(json: T): T {
  if (typeof json === 'string') return storableText(json) as T;
  if (Array.isArray(json)) return json.map(withStorableTexts) as T;
  if (!isObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, withStorableTexts(value)])) as T;
}
