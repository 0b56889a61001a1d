import type { ErrorCode } from '../../../domain/errors';

interface ErrorDoc {
  readonly description: string;
  /** Of the example. */
  readonly code: ErrorCode;
  readonly message: string;
}

export type DocumentedStatus = 400 | 404 | 409 | 413 | 416 | 422 | 429 | 500 | 501 | 502 | 503 | 504;

/** What each status means here, with one example of it. */
export const ERROR_DOCS: Readonly<Record<DocumentedStatus, ErrorDoc>> = {
  400: {
    description: '`invalid_request`: malformed JSON, wrong types, a workflow in the editor format.',
    code: 'invalid_request',
    message: 'prompt is missing: { "prompt": <workflow in API format> }.',
  },
  404: {
    description: '`not_found`: there is no such job or file (any more).',
    code: 'not_found',
    message: 'There is no job with this id.',
  },
  409: {
    description:
      '`canceled`: the run was interrupted or canceled while the caller waited. `not_ended`: only a job that has ended can be deleted, and its files with it or one by one. `not_collectable`: only a job that failed with `storage_failed` can be collected again.',
    code: 'canceled',
    message: 'The job was canceled.',
  },
  413: {
    description: '`payload_too_large`: the body is over the limit, here or in front of ComfyUI.',
    code: 'payload_too_large',
    message: 'The body is over the limit of this service (BODY_LIMIT_MIB).',
  },
  416: {
    description: '`range_not_satisfiable`: the file ends before the range of bytes; `Content-Range` contains its size.',
    code: 'range_not_satisfiable',
    message: 'The file has 392817 bytes, and none of the requested range.',
  },
  422: {
    description:
      '`invalid_workflow`: ComfyUI refused the workflow, or would run only a part of it; the errors per node id are in `details`. `idempotency_mismatch`: another request came under the same Idempotency-Key.',
    code: 'invalid_workflow',
    message: 'ComfyUI refused the workflow. Node 3 (KSampler): steps: Value 0 smaller than min of 1',
  },
  429: {
    description: '`queue_full`: MAX_QUEUE jobs wait already; try again after the seconds in `Retry-After`.',
    code: 'queue_full',
    message: 'The queue is full: 10000 jobs are waiting. Try again later.',
  },
  500: {
    description:
      '`execution_failed`, `out_of_memory`: a node failed; its id, class, message and traceback are in `details`. `storage_failed`: the job or its files could not be read or kept. `internal_error`: a fault of this service.',
    code: 'execution_failed',
    message: 'Node 8 (VAEDecode) failed: mat1 and mat2 shapes cannot be multiplied',
  },
  501: {
    description: '`not_installed`: this installation lacks an optional package.',
    code: 'not_installed',
    message: 'Converting images needs the package "sharp", which is not installed: npm install sharp',
  },
  502: {
    description:
      '`backend_unauthorized`, `backend_error`, `backend_lost`, `stalled`, `output_missing`: ComfyUI, or what stands in front of it, misbehaved.',
    code: 'backend_unauthorized',
    message: 'ComfyUI refused our credentials (401): check the user name and the password for this server.',
  },
  503: {
    description: '`backend_unreachable`, `shutting_down`, `busy`: try again after the seconds in `Retry-After`.',
    code: 'backend_unreachable',
    message: 'ComfyUI cannot be reached: connect ECONNREFUSED 127.0.0.1:8188. Is it running at the configured address?',
  },
  504: {
    description:
      '`timeout`: not done in the requested time; the job continues. `expired`: the job waited too long for its start, or ran too long.',
    code: 'timeout',
    message: 'Not done within 300 s; job 0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d is running and goes on.',
  },
};
