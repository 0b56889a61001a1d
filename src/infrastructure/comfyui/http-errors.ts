import { BackendError, ComfyUIError } from '../../domain/errors';
import { isObject } from '../../shared/json';
import { oneLine, textOf } from '../../shared/text';
import type { HttpResponse } from './http-response';

const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']);
const TIMED_OUT = new Set(['ECONNABORTED', 'ETIMEDOUT', 'ESILENT']);

/**
 * Converts a connection error. Uses only its code and message: the errors of the HTTP library contain the headers of the
 * request, and with them the credentials.
 */
export function connectionError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  const { code = '', syscall, message = '' }: Partial<NodeJS.ErrnoException> = isObject(error) ? error : {};
  const reason = oneLine(message, 200) || code || 'unknown reason';
  if (syscall === 'connect' || NEVER_SENT.has(code)) {
    const sentence = `ComfyUI cannot be reached: ${reason}. Is it running at the configured address?`;
    return new BackendError('backend_unreachable', sentence, { neverSent: true, isPassing: true });
  }
  if (TIMED_OUT.has(code))
    return new BackendError('backend_unreachable', `ComfyUI did not answer in time: ${reason}`, { isPassing: true });
  return new BackendError('backend_error', `The connection to ComfyUI broke: ${reason}`, { isPassing: true });
}

/** Converts a response that has an error status, or that does not come from ComfyUI. */
export function responseError(path: string, { status, headers }: HttpResponse): ComfyUIError {
  if (status === 401 || status === 403) return unauthorized(status);
  if (status === 404) return new ComfyUIError('not_found', `ComfyUI answered 404 to ${path}.`);
  if (status === 413) return tooLarge();
  if (status >= 300 && status < 400) return redirected(headers.location);
  if (status === 502 || status === 503 || status === 504) {
    const message = `ComfyUI is not running behind its proxy, which answered ${status} to ${path}.`;
    return new BackendError('backend_error', message, { isPassing: true });
  }
  if (status >= 400) return new BackendError('backend_error', `ComfyUI answered ${status} to ${path}.`);
  const type = oneLine(textOf(headers['content-type']) || 'no content type', 80);
  const message = `Something answered ${path} with ${type} that is not JSON: is this the address of a ComfyUI server?`;
  return new BackendError('backend_error', message);
}

export function unauthorized(status: number): ComfyUIError {
  const message = `ComfyUI refused our credentials (${status}): check the user name and the password for this server.`;
  return new BackendError('backend_unauthorized', message);
}

function tooLarge(): ComfyUIError {
  return new ComfyUIError(
    'payload_too_large',
    'The workflow exceeds the size limit of ComfyUI or of the proxy in front of it (413).',
  );
}

function redirected(location: unknown): ComfyUIError {
  const where = typeof location === 'string' ? ` to ${oneLine(location, 200)}` : '';
  return new BackendError('backend_error', `ComfyUI redirects${where}: configure the final address.`);
}
