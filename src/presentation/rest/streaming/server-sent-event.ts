import type { Preview } from '../../../domain/job/run-event';

/** The lines of a server-sent event before its data, which is one line of JSON. `id` becomes the viewer's `Last-Event-ID`. */
export function eventHead(name: string, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: `;
}

export const EVENT_END = '\n\n';

export function eventText(name: string, data: object, id?: number): string {
  return `${eventHead(name, id)}${JSON.stringify(data)}${EVENT_END}`;
}

/** A comment, which viewers ignore: keeps proxies from closing an idle connection. */
export const KEEP_ALIVE = ': still here\n\n';

/** How long a viewer waits before it connects again. */
export function retryText(ms: number): string {
  return `retry: ${ms}${EVENT_END}`;
}

export function previewJson({ nodeId, mediaType, image }: Preview): object {
  return { nodeId, mediaType, base64: image.toString('base64') };
}
