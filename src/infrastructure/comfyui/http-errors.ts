import { BackendError, ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';
import { oneLine, textOf } from '../../shared/text';
import type { HttpAnswer } from './http-answer';

const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);
const NO_ANSWER = new Set(['ECONNABORTED', 'ETIMEDOUT', 'ESILENT']);

/**
 * A failed connection in our words. Built from code and message alone: the errors of the HTTP library carry the
 * request's headers, and so the credentials.
 */
export function connectionError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const { code = '', syscall, message = '' }: Partial<NodeJS.ErrnoException> = isObject(error) ? error : {};
  const reason = oneLine(message, 200) || code || 'unknown reason';
  if (syscall === 'connect' || NEVER_SENT.has(code)) {
    const sentence = `ComfyUI can not be reached: ${reason}. Is it running at COMFYUI_BASE_URL?`;
    return new BackendError('backend_unreachable', sentence, { neverSent: true, isPassing: true });
  }
  if (NO_ANSWER.has(code))
    return new BackendError('backend_unreachable', `ComfyUI did not answer in time: ${reason}`, { isPassing: true });
  return new BackendError('backend_error', `The connection to ComfyUI broke off: ${reason}`, { isPassing: true });
}

/** An answer that is an error, or not what ComfyUI would say. */
export function answerError(path: string, { status, headers }: HttpAnswer): ComfyUIError {
  if (status === 401 || status === 403) return unauthorized(status);
  if (status === 404) return new ComfyUIError('not_found', `ComfyUI answered 404 to ${path}.`);
  if (status === 413) return tooLarge();
  if (status >= 300 && status < 400) return redirected(headers.location);
  if (status === 502 || status === 503 || status === 504) {
    const message = `ComfyUI is not up behind its proxy, which answered ${status} to ${path}.`;
    return new BackendError('backend_error', message, { isPassing: true });
  }
  if (status >= 400) return new BackendError('backend_error', `ComfyUI answered ${status} to ${path}.`);
  const type = oneLine(textOf(headers['content-type']) || 'no content type', 80);
  const message = `Something answered ${path} with ${type} that is not JSON: is COMFYUI_BASE_URL the address of a ComfyUI server?`;
  return new BackendError('backend_error', message);
}

export function unauthorized(status: number): ComfyUIError {
  const message = `ComfyUI refused our credentials (${status}): check COMFYUI_USERNAME and COMFYUI_PASSWORD.`;
  return new BackendError('backend_unauthorized', message);
}

function tooLarge(): ComfyUIError {
  return new ComfyUIError(
    'payload_too_large',
    'The workflow is larger than ComfyUI, or the proxy in front of it, takes (413).',
  );
}

function redirected(location: unknown): ComfyUIError {
  const where = typeof location === 'string' ? ` to ${oneLine(location, 200)}` : '';
  return new BackendError('backend_error', `ComfyUI redirects${where}: set COMFYUI_BASE_URL to the final address.`);
}
