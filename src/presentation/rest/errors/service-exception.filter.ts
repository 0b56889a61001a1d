import { type ArgumentsHost, Catch, HttpException } from '@nestjs/common';
import { ComfyUIError, type ErrorCode, toComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { oneLine } from '../../../shared/text';
import { ComfyUIExceptionFilter } from './comfyui-exception.filter';

/** For the standalone service, which owns all its routes: every exception gets a body of the same shape. */
@Catch()
export class ServiceExceptionFilter extends ComfyUIExceptionFilter {
  override catch(thrown: unknown, host: ArgumentsHost): void {
    super.catch(fromFramework(thrown), host);
  }
}

/** Errors of Nest and of the HTTP server below it (malformed or too large bodies, unknown paths). */
function fromFramework(thrown: unknown): ComfyUIError {
  const status = statusOf(thrown);
  if (thrown instanceof ComfyUIError || status === undefined || status >= 500) return toComfyUIError(thrown);
  return new ComfyUIError(codeOf(status), sentenceFor(status, thrown), { cause: thrown });
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  return isObject(thrown) && typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}

function sentenceFor(status: number, thrown: unknown): string {
  if (status === 413) return 'The body is over the limit of this service (BODY_LIMIT_MIB).';
  if (status === 415) return 'The body must be JSON, sent with Content-Type: application/json.';
  return thrown instanceof Error ? oneLine(thrown.message) : 'The request was refused.';
}

function codeOf(status: number): ErrorCode {
  if (status === 404) return 'not_found';
  return status === 413 ? 'payload_too_large' : 'invalid_request';
}
