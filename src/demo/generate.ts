import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/** The fields of the `progress` event that the demo shows. */
export interface ProgressData {
  readonly status: string;
  /** 0..1 of the whole run. */
  readonly value: number;
  readonly currentNodeClass: string | null;
  readonly step: number | null;
  readonly steps: number | null;
}

export interface OutputData {
  readonly filename: string;
  readonly mediaType: string;
  readonly width?: number;
  readonly height?: number;
  readonly sizeBytes: number;
  readonly base64: string;
}

export type GenerateEvent =
  | { readonly event: 'progress'; readonly data: ProgressData }
  | { readonly event: 'output'; readonly data: OutputData }
  | { readonly event: 'preview' | 'result'; readonly data: unknown }
  | { readonly event: 'error'; readonly data: { readonly message: string } };

/** A real ComfyUI without a GPU takes minutes, and more for the first run. */
const WAIT_SECONDS = 3600;

/**
 * Sends `POST /generate` and yields its server-sent events.
 * @throws Error with the message of the service if it refuses the request
 */
export async function* generate(serviceUrl: string, body: string): AsyncGenerator<GenerateEvent, void, undefined> {
  const response = await fetch(`${serviceUrl}/generate`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'text/event-stream',
      Prefer: `wait=${WAIT_SECONDS}`,
    },
    body,
  });
  if (!response.ok || !response.body) throw new Error(await refusal(response));
  let event = '';
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    if (line.startsWith('event: ')) event = line.slice('event: '.length);
    else if (line.startsWith('data: '))
      yield { event, data: JSON.parse(line.slice('data: '.length)) as unknown } as GenerateEvent;
  }
}

async function refusal(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { message: string }).message;
  } catch {
    return `The service answered ${response.status}: ${text.slice(0, 200)}`;
  }
}
