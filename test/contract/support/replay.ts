import { normalise, normaliseMessage } from './normalise';
import { Answer, historyWhenThere, PromptBody, RawClient, Received } from './raw-client';
import { flatPicture } from './workflows';

export interface Replayed {
  answer: Answer;
  promptId: string;
  /** From the connection's first `status` on, like a trace. */
  messages: Received[];
  history: Record<string, unknown> | undefined;
}

/** A prompt with other nodes: whatever the server kept of the ones before is dropped. */
export const forget = async (client: RawClient): Promise<void> => {
  await client.run({ prompt: flatPicture({ prefix: 'contract-forget' }) });
};

const firstStatus = (messages: Received[]): Received[] => messages.slice(0, 1);

/** Submits under a fresh id on a client that just connected or ran other prompts before. */
export async function replay(client: RawClient, body: PromptBody): Promise<Replayed> {
  const from = client.messages.length;
  const { client_id: _id, prompt_id: _promptId, ...rest } = body;
  const { answer, promptId } = await client.run(rest);
  const messages = [...firstStatus(client.messages), ...client.messages.slice(from)];
  const history = answer.status === 200 ? await historyWhenThere(client.server, promptId) : undefined;
  return { answer, promptId, messages, history };
}

/** What a run and a recording must have in common: the answer, every message in its order, the history. */
export const comparable = ({
  answer,
  messages,
  history,
}: Pick<Replayed, 'answer' | 'messages' | 'history'>): object => ({
  answer: withoutNumber(answer),
  messages: sequence(messages),
  history: withoutSubmission(history),
});

/** Flags are answered before or after the first status, and are not part of the run. */
const sequence = (messages: Received[]): unknown[] =>
  messages.filter((message) => Buffer.isBuffer(message) || message.type !== 'feature_flags').map(normaliseMessage);

/** The counter depends on what ran before. */
function withoutNumber({ status, body }: Answer): unknown {
  const { number, ...rest } = body as { number?: number };
  return { status, body: normalise(rest), number: typeof number };
}

function withoutSubmission(history: Record<string, unknown> | undefined): unknown {
  if (history === undefined) return undefined;
  const [number, id, , extraData, outputs] = history['prompt'] as [number, string, object, object, string[]];
  const prompt = { number: typeof number, id: typeof id, extraData: normalise(extraData), outputs: outputs.toSorted() };
  return { ...(normalise(history) as object), prompt };
}
