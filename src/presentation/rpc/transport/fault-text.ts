import { isObject } from '../../../shared/json';
import { oneLine } from '../../../shared/text';

/** What a driver says of its fault, on one line: its message and nothing else, for errors carry commands with passwords. */
export function faultText(fault: unknown): string {
  if (typeof fault === 'string') return oneLine(fault, 300);
  const { errors, message, err } = isObject(fault) ? fault : {};
  if (Array.isArray(errors) && errors.length > 0) return oneLine(errors.map(faultText).join('; '), 300);
  if (typeof message === 'string' && message !== '') return oneLine(message, 300);
  return err === undefined ? 'the connection failed' : faultText(err);
}
