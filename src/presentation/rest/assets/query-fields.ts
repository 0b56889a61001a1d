import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';

/** A query string as any parser leaves it: fields that were given once, with something in them. */
export class QueryFields {
  readonly #fields: Record<string, unknown>;

  constructor(query: unknown) {
    this.#fields = isObject(query) ? query : {};
  }

  /** Whether it is there, with or without a value. */
  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** @throws ComfyUIError `invalid_request` when it is given more than once, or too long */
  text(name: string, longest = 200): string | undefined {
    const given = this.#fields[name];
    if (given === undefined || given === '') return undefined;
    if (typeof given !== 'string') throw refuse(`${name} must be given once.`);
    if (given.length > longest) throw refuse(`${name} must have at most ${longest} characters.`);
    return given;
  }

  /** Digits as a number, anything else as NaN, for who knows the bounds. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  }
}

export function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}
