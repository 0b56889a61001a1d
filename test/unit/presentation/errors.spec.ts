import { ComfyUIError, ERROR_CODES, type ErrorCode } from '../../../src/domain/errors';
import { retryAfter, toErrorBody } from '../../../src/presentation/shared/errors/http-exceptions';

const STATUSES: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  invalid_workflow: 422,
  payload_too_large: 413,
  range_not_satisfiable: 416,
  not_found: 404,
  not_ended: 409,
  not_collectable: 409,
  idempotency_mismatch: 422,
  queue_full: 429,
  backend_unauthorized: 502,
  backend_unreachable: 503,
  backend_error: 502,
  backend_lost: 502,
  stalled: 502,
  execution_failed: 500,
  out_of_memory: 500,
  output_missing: 502,
  storage_failed: 500,
  expired: 504,
  canceled: 409,
  timeout: 504,
  shutting_down: 503,
  busy: 503,
  service_unreachable: 503,
  not_installed: 501,
  internal_error: 500,
};

describe('an error as a response', () => {
  it.each(ERROR_CODES)('has a status of its own: %s', (code) => {
    expect(toErrorBody(new ComfyUIError(code, 'What happened.', { jobId: 'id' }))).toEqual({
      statusCode: STATUSES[code],
      error: expect.stringMatching(/^[A-Z]/),
      message: 'What happened.',
      code,
      jobId: 'id',
      details: undefined,
    });
  });

  it('says when to try again, where a retry may succeed', () => {
    const codes = ERROR_CODES.filter((code) => retryAfter(code) !== undefined);
    expect(codes).toEqual(['queue_full', 'backend_unreachable', 'shutting_down', 'busy']);
    expect(retryAfter('queue_full')).toBe(10);
  });

  it('may quote integers that plain JSON cannot write', () => {
    const body = toErrorBody(new ComfyUIError('invalid_workflow', 'No.', { details: { seed: 2n ** 63n } }));
    expect(() => JSON.stringify(body)).not.toThrow();
  });
});
