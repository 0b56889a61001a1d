import { setTimeout } from 'node:timers/promises';
import type { PromptRequest, Submission } from '../../application/backends/comfyui-client';
import { BackendError, ComfyUIError } from '../../domain/errors';
import { parsePythonJson } from '../../shared/json';
import type { ComfyUIHttp } from './comfyui-http';
import { answerError } from './http-errors';
import { readRefusal, readSubmission } from './wire-answers';

export interface LookUp {
  /** Whether ComfyUI has a prompt with the id of this one. */
  isKnown(): Promise<boolean>;
  readonly signal?: AbortSignal;
}

const LOOK_AGAIN_MS = 1_000;

/**
 * `POST /prompt`, which must not happen twice: ComfyUI runs a prompt again that it was sent again, under the same id too.
 * When the answer is lost, the prompt is looked up by its id, twice. When it is not there, it may still arrive: whoever tries
 * again does so under a new id.
 */
export async function submitOnce(
  http: ComfyUIHttp,
  request: PromptRequest,
  clientId: string,
  lookUp: LookUp,
): Promise<Submission> {
  const { promptId } = request;
  try {
    return await post(http, request, clientId, lookUp.signal);
  } catch (error) {
    if (!(error instanceof BackendError) || !error.isPassing || error.neverSent) throw error;
    const found = { promptId, clientId, number: null, nodeErrors: {} };
    if (await lookUp.isKnown()) return found;
    await setTimeout(LOOK_AGAIN_MS, undefined, { signal: lookUp.signal });
    if (await lookUp.isKnown()) return found;
    throw error;
  }
}

async function post(
  http: ComfyUIHttp,
  request: PromptRequest,
  clientId: string,
  signal?: AbortSignal,
): Promise<Submission> {
  const { promptId, workflow, extraData = {} } = request;
  const body = { prompt: workflow, prompt_id: promptId, client_id: clientId, extra_data: extraData };
  const answer = await http.post('/prompt', body, signal);
  const said = parsedOrUndefined(await http.text(answer));
  if (answer.status === 200) {
    const submission = readSubmission(said);
    if (submission) return { ...submission, clientId };
  }
  const refusal = answer.status === 400 ? readRefusal(said) : undefined;
  throw refusal ?? refusedByServer(answer.status) ?? answerError('/prompt', answer);
}

/** ComfyUI answers 500 to a body it can not take apart; the reason is in its own log only. */
function refusedByServer(status: number): ComfyUIError | undefined {
  if (status !== 500) return undefined;
  return new ComfyUIError('backend_error', 'ComfyUI failed on this workflow (500); its own log says why.');
}

function parsedOrUndefined(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
