/**
 * Every error code of the product. Each API maps them to its own statuses and error shapes.
 *
 * @publicApi
 */
export const ERROR_CODES = [
  'invalid_request',
  'invalid_workflow',
  'payload_too_large',
  'range_not_satisfiable',
  'not_found',
  'not_ended',
  'not_collectable',
  'idempotency_mismatch',
  'queue_full',
  'backend_unauthorized',
  'backend_unreachable',
  'backend_error',
  'backend_lost',
  'stalled',
  'execution_failed',
  'out_of_memory',
  'output_missing',
  'storage_failed',
  'expired',
  'canceled',
  'timeout',
  'shutting_down',
  'busy',
  'service_unreachable',
  'not_installed',
  'internal_error',
] as const;

/**
 * A code of {@link ERROR_CODES}.
 *
 * @publicApi
 */
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * Machine-readable details of an error: plain JSON without secrets.
 *
 * @publicApi
 */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface ComfyUIErrorOptions {
  cause?: unknown;
  details?: ErrorDetails;
  /** The job that failed with this error or that it concerns. */
  jobId?: string;
}

/**
 * The error class of the product: `code` is for programs, `message` is a sentence for people.
 *
 * @publicApi
 */
export class ComfyUIError extends Error {
  override readonly name = 'ComfyUIError';
  readonly details?: ErrorDetails;
  readonly jobId?: string;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ComfyUIErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.details = options.details;
    this.jobId = options.jobId;
  }

  /** A copy of the error with the id of its job. */
  forJob(jobId: string): ComfyUIError {
    return new ComfyUIError(this.code, this.message, { cause: this.cause, details: this.details, jobId });
  }
}

/**
 * The backend caused the error, not the job: the job may succeed on another backend, or later.
 * The pool does not choose a backend with such an error again until a probe of it succeeds.
 *
 * @publicApi
 */
export class BackendError extends ComfyUIError {
  /** The request was not sent: ComfyUI certainly did not act on it. */
  readonly neverSent: boolean;
  /** An immediate retry may succeed. */
  readonly isPassing: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    {
      neverSent = false,
      isPassing = false,
      ...options
    }: ComfyUIErrorOptions & { neverSent?: boolean; isPassing?: boolean } = {},
  ) {
    super(code, message, options);
    this.neverSent = neverSent;
    this.isPassing = isPassing;
  }

  override forJob(jobId: string): BackendError {
    const { cause, details, neverSent, isPassing } = this;
    return new BackendError(this.code, this.message, { cause, details, jobId, neverSent, isPassing });
  }
}

/** Returns a ComfyUIError unchanged; wraps any other value as `internal_error` with the original as its `cause`. */
export function toComfyUIError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  return new ComfyUIError('internal_error', 'Internal error. The log of the service has the details.', {
    cause: error,
  });
}
