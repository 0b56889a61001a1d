import { types } from 'node:util';
import { ComfyUIError, ERROR_CODES } from '../domain/errors';
import { isObject } from '../shared/json';
import { faultText } from '../presentation/rpc/transport/fault-text';

/** No message from the service within the time-out. */
export function serviceSilent(silenceMs: number): ComfyUIError {
  const message = `The ComfyUI service sent nothing for ${silenceMs / 1000} s.`;
  return new ComfyUIError('service_unreachable', message);
}

/** The error of a failed call, from the service or the transport. @param jobId of the stream, where it is known */
export function toRemoteError(error: unknown, jobId: string | undefined): ComfyUIError {
  if (error instanceof ComfyUIError) return jobId === undefined ? error : error.forJob(jobId);
  return fromService(error) ?? fromTransport(error, jobId);
}

/** An error in the format of the service; a newer service may use codes that are unknown here. */
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
    : (['service_unreachable', 'The ComfyUI service cannot be reached'] as const);
  const goesOn = jobId === undefined ? '' : `; job ${jobId} goes on without the caller`;
  return new ComfyUIError(code, `${sentence}: ${faultText(error)}${goesOn}`, { cause: error, jobId });
}

/** NATS refuses messages over its `max_payload`. */
function isTooLarge(error: unknown): boolean {
  return isObject(error) && /max_payload/i.test(String(error.message));
}
