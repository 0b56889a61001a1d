import { applyDecorators } from '@nestjs/common';
import { Expose, Transform } from 'class-transformer';
import { IsInt, IsOptional, isISO8601, Max, MaxLength, Min, ValidateBy } from 'class-validator';

/*
 * Fields of a query, as any parser of query strings leaves them: given once; an empty one counts as left out. Messages carry
 * the same fields with numbers as numbers. Further validators stand above these: the lowest decorator is checked first.
 */

/** Text of limited length. `parse` receives the text before it is checked. */
export function QueryText(maxLength = 200, parse = (text: string): unknown => text): PropertyDecorator {
  return applyDecorators(
    Expose(),
    Transform(({ value }: { value: unknown }) => parsed(value, parse)),
    IsOptional(),
    GivenOnce('$property'),
    MaxLength(maxLength, { message: `$property must have at most ${maxLength} characters` }),
  );
}

/** A whole number from 1 to `max`. */
export function QueryNumber(max: number): PropertyDecorator {
  const message = `$property must be a whole number from 1 to ${max}`;
  return applyDecorators(
    Expose(),
    Transform(({ value }: { value: unknown }) => parsed(value, toNumber)),
    IsOptional(),
    GivenOnce('$property'),
    IsInt({ message }),
    Min(1, { message }),
    Max(max, { message }),
  );
}

/** A time as milliseconds since the epoch. @param name of the field in the query */
export function QueryTime(name: string): PropertyDecorator {
  const message = `${name} must be a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z, or a date`;
  return applyDecorators(
    Expose({ name }),
    Transform(({ value }: { value: unknown }) => parsed(value, toTime)),
    IsOptional(),
    GivenOnce(name),
    IsInt({ message }),
  );
}

function GivenOnce(name: string): PropertyDecorator {
  const validator = { validate: (value: unknown) => typeof value !== 'object' };
  return ValidateBy({ name: 'isGivenOnce', validator }, { message: `${name} must be given once` });
}

function parsed(value: unknown, parse: (text: string) => unknown): unknown {
  if (value === '') return undefined;
  return typeof value === 'string' ? parse(value) : value;
}

function toNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
}

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** With a zone, or a date, which begins in UTC. A `+` that was not escaped arrives as a space. */
function toTime(given: string): number {
  const text = given.replace(' ', '+');
  // `Date.parse` reads February 30 as March 2.
  return TIME.test(text) && isISO8601(text, { strict: true }) ? Date.parse(text) : NaN;
}
