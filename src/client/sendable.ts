import { ComfyUIError } from '../domain/errors';

/** The call as JSON values; bigint as text, since seeds go up to 2^64-1. @throws ComfyUIError `invalid_request` */
export function sendable(call: object): object {
  try {
    return JSON.parse(JSON.stringify(call, exactly)) as object;
  } catch (error) {
    throw new ComfyUIError('invalid_request', 'The call cannot be written as JSON.', { cause: error });
  }
}

function exactly(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
