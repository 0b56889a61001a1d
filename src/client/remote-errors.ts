import { types } from 'node:util';
import { ComfyUIError, ERROR_CODES } from '../domain/errors';
import { isObject } from '../shared/json';
import { faultText } from '../presentation/rpc/transport/fault-text';

/** The service said nothing for so long. */
export function serviceSilent(silenceMs: number): ComfyUIError {
  const message = `The ComfyUI service said nothing for ${silenceMs / 1000} s.`;
  return new ComfyUIError('service_unreachable', message);
}

/** What a transport or the service made of a failed call. The job is the one the caller knows of. */
export function toRemoteError(error: unknown, jobId: string | undefined): ComfyUIError {
  if (error instanceof ComfyUIError) return jobId === undefined ? error : error.forJob(jobId);
  return fromService(error) ?? fromTransport(error, jobId);
}

/** An error as the service writes it; of a newer one, the code may be unknown here. */
function fromService(error: unknown): ComfyUIError | undefined {
  if (!isObject(error) || types.isNativeError(error) || typeof error.message !== 'string') return undefined;
  const { message, code, jobId, details } = error;
  const known = ERROR_CODES.find((each) => each === code);
  return new ComfyUIError(known ?? 'internal_error', message, {
    jobId: typeof jobId === 'string' ? jobId : undefined,
    details: isObject(details) ? details : undefined,
  });
}

function fromTransport(error: unknown, jobId: string | undefined): ComfyUIError {
  const [code, sentence] = isTooLarge(error)
    ? (['payload_too_large', 'The call is over the limit of the transport'] as const)
    : (['service_unreachable', 'The ComfyUI service can not be reached'] as const);
  const goesOn = jobId === undefined ? '' : `; job ${jobId} goes on by itself`;
  return new ComfyUIError(code, `${sentence}: ${faultText(error)}${goesOn}`, { cause: error, jobId });
}

/** NATS refuses messages over its `max_payload`. */
function isTooLarge(error: unknown): boolean {
  return isObject(error) && /max_payload/i.test(String(error.message));
}
