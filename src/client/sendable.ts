import { ComfyUIError } from '../domain/errors';

/** As JSON carries it; seeds go up to 2^64-1, which it carries exactly only as text. @throws ComfyUIError `invalid_request` */
export function sendable(call: object): object {
  try {
    return JSON.parse(JSON.stringify(call, exactly)) as object;
  } catch (error) {
    throw new ComfyUIError('invalid_request', 'The call can not be written as JSON.', { cause: error });
  }
}

function exactly(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
