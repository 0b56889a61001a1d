import { STATUS_CODES } from 'node:http';
import {
  BadGatewayException,
  BadRequestException,
  ConflictException,
  GatewayTimeoutException,
  HttpException,
  HttpStatus,
  InternalServerErrorException,
  NotFoundException,
  NotImplementedException,
  PayloadTooLargeException,
  ServiceUnavailableException,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { ComfyUIError, ErrorCode } from '../../../domain/errors';
import { jsonSafe } from '../json-safe';

type ExceptionClass = new (body: object) => HttpException;

/** Nest has no exception of its own for this status. */
class TooManyRequestsException extends HttpException {
  constructor(body: object) {
    super(body, HttpStatus.TOO_MANY_REQUESTS);
  }
}

/** Nor for this one. */
class RangeNotSatisfiableException extends HttpException {
  constructor(body: object) {
    super(body, HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
  }
}

/** A new code does not compile until it is mapped. */
const EXCEPTIONS: Record<ErrorCode, ExceptionClass> = {
  invalid_request: BadRequestException,
  invalid_workflow: UnprocessableEntityException,
  payload_too_large: PayloadTooLargeException,
  range_not_satisfiable: RangeNotSatisfiableException,
  not_found: NotFoundException,
  not_ended: ConflictException,
  not_collectable: ConflictException,
  idempotency_mismatch: UnprocessableEntityException,
  queue_full: TooManyRequestsException,
  backend_unauthorized: BadGatewayException,
  backend_unreachable: ServiceUnavailableException,
  backend_error: BadGatewayException,
  backend_lost: BadGatewayException,
  stalled: BadGatewayException,
  execution_failed: InternalServerErrorException,
  out_of_memory: InternalServerErrorException,
  output_missing: BadGatewayException,
  storage_failed: InternalServerErrorException,
  expired: GatewayTimeoutException,
  canceled: ConflictException,
  timeout: GatewayTimeoutException,
  shutting_down: ServiceUnavailableException,
  busy: ServiceUnavailableException,
  service_unreachable: ServiceUnavailableException,
  not_installed: NotImplementedException,
  internal_error: InternalServerErrorException,
};

/** Value of `Retry-After`, seconds. */
const RETRY_AFTER: Partial<Record<ErrorCode, number>> = {
  backend_unreachable: 5,
  shutting_down: 5,
  queue_full: 10,
  busy: 2,
};

export interface ErrorBody {
  readonly statusCode: number;
  /** The status in words. */
  readonly error: string;
  readonly message: string;
  readonly code: ErrorCode;
  readonly jobId?: string;
  readonly details?: unknown;
}

/** An error as Nest's exception, with the body of our error responses. */
export function toHttpException(error: ComfyUIError): HttpException {
  const Exception = EXCEPTIONS[error.code];
  const plain = new Exception({ message: error.message });
  const body: ErrorBody = {
    statusCode: plain.getStatus(),
    error: STATUS_CODES[plain.getStatus()] ?? 'Error',
    message: error.message,
    code: error.code,
    jobId: error.jobId,
    details: error.details && jsonSafe(error.details),
  };
  return new Exception(body);
}

export function toErrorBody(error: ComfyUIError): ErrorBody {
  return toHttpException(error).getResponse() as ErrorBody;
}

export function retryAfter(code: ErrorCode): number | undefined {
  return RETRY_AFTER[code];
}
