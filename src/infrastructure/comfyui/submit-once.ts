import { setTimeout } from 'node:timers/promises';
import type { PromptRequest, Submission } from '../../application/backends/comfyui-client';
import { BackendError, ComfyUIError } from '../../domain/errors';
import { parsePythonJson } from '../../shared/json';
import type { ComfyUIHttp } from './comfyui-http';
import { responseError } from './http-errors';
import { readRefusal, readSubmission } from './wire-responses';

export interface LookUp {
  /** Whether ComfyUI knows the id of the submitted prompt. */
  isKnown(): Promise<boolean>;
  readonly signal?: AbortSignal;
}

const LOOK_AGAIN_MS = 1_000;

/**
 * `POST /prompt`, sent at most once: ComfyUI runs a repeated prompt again, even with the same id. If the response is lost,
 * the prompt is looked up by its id, twice. If it is not found, it may still arrive: a retry needs a new id.
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
  const response = await http.post('/prompt', body, signal);
  const content = parsedOrUndefined(await http.text(response));
  if (response.status === 200) {
    const submission = readSubmission(content);
    if (submission) return { ...submission, clientId };
  }
  const refusal = response.status === 400 ? readRefusal(content) : undefined;
  throw refusal ?? serverFailure(response.status) ?? responseError('/prompt', response);
}

/** ComfyUI answers 500 to a body that it cannot process; only its own log has the reason. */
function serverFailure(status: number): ComfyUIError | undefined {
  if (status !== 500) return undefined;
  return new ComfyUIError('backend_error', 'ComfyUI failed on this workflow (500). Its log has the reason.');
}

function parsedOrUndefined(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
