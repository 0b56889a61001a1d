const TIME = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Milliseconds since the epoch; undefined for what is no time in ISO 8601 with a zone, and no date, which begins in UTC.
 * A `+` that was not escaped in a query comes as a space.
 */
export function parseIsoTime(given: string): number | undefined {
  const text = given.replace(' ', '+');
  const [, date] = TIME.exec(text) ?? [];
  const ms = date === undefined || !isInCalendar(date) ? NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `Date.parse` takes February 30 for March 2. */
function isInCalendar(date: string): boolean {
  const ms = Date.parse(date);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}
