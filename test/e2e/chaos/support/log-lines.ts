/** The last lines of a service's log, readable. The polls of the tests, which are most of it, are left out. */
export function lastLines(log: string, count: number): string {
  return log.trimEnd().split('\n').filter(isRelevant).slice(-count).map(readable).join('\n');
}

function isRelevant(line: string): boolean {
  return !line.includes('"method":"GET"');
}

function readable(line: string): string {
  try {
    const { time, level, context, msg } = JSON.parse(line) as Record<string, unknown>;
    return `${new Date(Number(time)).toISOString()} ${String(level)} [${String(context)}] ${String(msg)}`;
  } catch {
    return line;
  }
}
