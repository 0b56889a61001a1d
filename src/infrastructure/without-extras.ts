import { isObject } from '../shared/json';

/** Of an error only what is safe to log: clients hang requests, signatures and headers on theirs. */
export function withoutExtras(error: unknown): Error {
  const { name, message, stack } = isObject(error) ? error : {};
  const plain = new Error(typeof message === 'string' ? message : String(error));
  if (typeof name === 'string') plain.name = name;
  if (typeof stack === 'string') plain.stack = stack;
  return plain;
}
