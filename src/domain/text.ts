const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Text from outside, fit for one log line or one sentence: no control characters, at most `maxLength` characters. */
export function oneLine(text: string, maxLength = 500): string {
  const line = text.replace(CONTROL_CHARACTERS, ' ').trim();
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}
