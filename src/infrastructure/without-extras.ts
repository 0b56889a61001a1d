import { isObject } from '../shared/json';

/** Copies name, message and stack of an error: clients attach requests, signatures and headers to theirs. */
export function withoutExtras(error: unknown): Error {
  const { name, message, stack } = isObject(error) ? error : {};
  const plain = new Error(typeof message === 'string' ? message : String(error));
  if (typeof name === 'string') plain.name = name;
  if (typeof stack === 'string') plain.stack = stack;
  return plain;
}
