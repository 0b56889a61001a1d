/** The lines of a server-sent event before its data, which is one line of JSON. `id` is what a viewer that comes back names as the last it saw. */
export function eventHead(name: string, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: `;
}

export const EVENT_END = '\n\n';

export function eventText(name: string, data: object, id?: number): string {
  return `${eventHead(name, id)}${JSON.stringify(data)}${EVENT_END}`;
}

/** Nothing to a viewer, and a sign of life to what stands between. */
export const STILL_HERE = ': still here\n\n';

/** How long a viewer that was sent away is to wait before it comes back. */
export function retryText(ms: number): string {
  return `retry: ${ms}${EVENT_END}`;
}
