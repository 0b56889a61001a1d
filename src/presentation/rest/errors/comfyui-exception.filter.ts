import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ComfyUIError } from '../../../domain/errors';
import { logFailure } from '../../shared/errors/log-failure';
import { retryAfter, toHttpException } from '../../shared/errors/http-exceptions';

/** Handles `ComfyUIError` on our controllers; the host application's filters handle all other exceptions. */
@Catch(ComfyUIError)
export class ComfyUIExceptionFilter implements ExceptionFilter<ComfyUIError> {
  readonly #logger = new Logger(ComfyUIExceptionFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch(error: ComfyUIError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const exception = toHttpException(error);
    logFailure(this.#logger, error);
    if (httpAdapter.isHeadersSent(response)) return;
    const seconds = retryAfter(error.code);
    if (seconds !== undefined) httpAdapter.setHeader(response, 'Retry-After', String(seconds));
    if (error.jobId !== undefined) httpAdapter.setHeader(response, 'X-Job-Id', error.jobId);
    httpAdapter.reply(response, exception.getResponse(), exception.getStatus());
  }
}
