import { isObject } from '../../../shared/json';
import { oneLine } from '../../../shared/text';

/** The message of a driver's error on one line, and nothing else of it: errors carry commands with passwords. */
export function faultText(error: unknown): string {
  if (typeof error === 'string') return oneLine(error, 300);
  const { errors, message, err } = isObject(error) ? error : {};
  if (Array.isArray(errors) && errors.length > 0) return oneLine(errors.map(faultText).join('; '), 300);
  if (typeof message === 'string' && message !== '') return oneLine(message, 300);
  return err === undefined ? 'the connection failed' : faultText(err);
}
