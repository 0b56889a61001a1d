export interface ServerSentEvent {
  /** Empty for a comment or a `retry`. */
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
  /** Time of arrival, ms. */
  readonly at: number;
}

/** The events of a response as they arrive. */
export async function* serverSentEvents(response: Response): AsyncGenerator<ServerSentEvent> {
  if (!response.body) throw new Error('no body');
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) yield parse(block);
  }
}

export async function allEvents(response: Response): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(response)) events.push(event);
  return events;
}

function parse(block: string): ServerSentEvent {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  const id = fields.get('id');
  return { event: fields.get('event') ?? '', id, data: JSON.parse(fields.get('data') ?? 'null'), at: Date.now() };
}
