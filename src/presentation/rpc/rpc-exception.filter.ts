import { type ArgumentsHost, Catch, HttpException, Logger } from '@nestjs/common';
import { BaseRpcExceptionFilter, RpcException } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { toComfyUIError } from '../../domain/errors';
import { toErrorBody } from '../shared/errors/http-exceptions';
import { logFailure } from '../shared/errors/log-failure';

/** Sends errors as data, with the body they have over HTTP. Nest formats those of the host application's guards and pipes. */
@Catch()
export class RpcExceptionFilter extends BaseRpcExceptionFilter {
  readonly #logger = new Logger(RpcExceptionFilter.name);

  override catch(thrown: unknown, host: ArgumentsHost): Observable<unknown> {
    if (thrown instanceof RpcException || thrown instanceof HttpException) return super.catch(thrown, host);
    const error = toComfyUIError(thrown);
    logFailure(this.#logger, error);
    return super.catch(new RpcException(toErrorBody(error)), host);
  }
}
