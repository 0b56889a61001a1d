/** Everything that can go wrong, in one word each. The faces map these to HTTP statuses and RPC errors. */
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

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What a caller may need besides the sentence: plain JSON, safe to show. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface ComfyUIErrorOptions {
  cause?: unknown;
  details?: ErrorDetails;
  /** The job this error ended or belongs to. */
  jobId?: string;
}

/** The one error class of the product: a code for programs, a sentence for people. */
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

  /** The same error, told about one job. */
  forJob(jobId: string): ComfyUIError {
    return new ComfyUIError(this.code, this.message, { cause: this.cause, details: this.details, jobId });
  }
}

/**
 * The server is at fault, not the job: it may well run elsewhere, or later.
 * A server that showed one is not chosen again until it answered a probe.
 */
export class BackendError extends ComfyUIError {
  /** The request never left: it is certain that ComfyUI did not act on it. */
  readonly neverSent: boolean;
  /** Another try at once may succeed. */
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

/** Any thrown value as a ComfyUIError: our own pass, the rest becomes `internal_error` with the original as its cause. */
export function toComfyUIError(error: unknown): ComfyUIError {
  if (error instanceof ComfyUIError) return error;
  return new ComfyUIError('internal_error', 'Something went wrong in this service; its log says more.', {
    cause: error,
  });
}
