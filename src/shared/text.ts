import { isObject } from './json';

const CONTROL_CHARACTERS = /[\p{Cc}\u2028\u2029]+/gu;

/** A string as it is, a number as text, anything else as nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Text from outside, fit for one log line or one sentence: no control characters, at most `maxLength` characters. */
export function oneLine(text: string, maxLength = 500): string {
  const line = text.replace(CONTROL_CHARACTERS, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}

/** The same text without what PostgreSQL takes in no text: NUL, and halves of characters. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** The same JSON with such texts only. */
export function withStorableTexts<T>(json: T): T {
  if (typeof json === 'string') return storableText(json) as T;
  if (Array.isArray(json)) return json.map(withStorableTexts) as T;
  if (!isObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, withStorableTexts(value)])) as T;
}
