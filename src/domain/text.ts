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
