import { normalise, normaliseMessage } from './normalise';
import { HttpResponse, historyWhenThere, PromptBody, RawClient, Received } from './raw-client';
import { flatPicture } from './workflows';

export interface Replayed {
  response: HttpResponse;
  promptId: string;
  /** From the first `status` of the connection on, as in a trace. */
  messages: Received[];
  history: Record<string, unknown> | undefined;
}

/** Runs a prompt with other nodes, which makes the server drop its cached results. */
export const clearCache = async (client: RawClient): Promise<void> => {
  await client.run({ prompt: flatPicture({ prefix: 'contract-forget' }) });
};

const firstStatus = (messages: Received[]): Received[] => messages.slice(0, 1);

/** Submits with a new id, on a new client or one that has run other prompts. */
export async function replay(client: RawClient, body: PromptBody): Promise<Replayed> {
  const from = client.messages.length;
  const { client_id: _id, prompt_id: _promptId, ...rest } = body;
  const { response, promptId } = await client.run(rest);
  const messages = [...firstStatus(client.messages), ...client.messages.slice(from)];
  const history = response.status === 200 ? await historyWhenThere(client.server, promptId) : undefined;
  return { response, promptId, messages, history };
}

/** The parts in which a run and its recording must be equal: the response, all messages in their order, the history. */
export const comparable = ({
  response,
  messages,
  history,
}: Pick<Replayed, 'response' | 'messages' | 'history'>): object => ({
  response: withoutNumber(response),
  messages: sequence(messages),
  history: withoutSubmission(history),
});

/** The response to feature flags comes before or after the first status, and is not part of the run. */
const sequence = (messages: Received[]): unknown[] =>
  messages.filter((message) => Buffer.isBuffer(message) || message.type !== 'feature_flags').map(normaliseMessage);

/** The counter depends on previous prompts. */
function withoutNumber({ status, body }: HttpResponse): unknown {
  const { number, ...rest } = body as { number?: number };
  return { status, body: normalise(rest), number: typeof number };
}

function withoutSubmission(history: Record<string, unknown> | undefined): unknown {
  if (history === undefined) return undefined;
  const [number, id, , extraData, outputs] = history['prompt'] as [number, string, object, object, string[]];
  const prompt = { number: typeof number, id: typeof id, extraData: normalise(extraData), outputs: outputs.toSorted() };
  return { ...(normalise(history) as object), prompt };
}
