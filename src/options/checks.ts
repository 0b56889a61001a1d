import { applyDecorators } from '@nestjs/common';
import {
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsNumber,
  IsPositive,
  Matches,
  Max,
  Min,
  MinLength,
  ValidateBy,
  type ValidationArguments,
} from 'class-validator';

/**
 * The checks of settings. Each message is the end of a sentence that begins with the name of the setting; settings of the same
 * object that it refers to stand in braces: `{username}`.
 */

type PropertyCheck = ReturnType<typeof applyDecorators>;

/** @param problemOf the problem of a value beside the other settings of its object, if it has one */
export function Check(problemOf: (value: unknown, settings: never) => string | undefined): PropertyDecorator {
  const problem = ({ value, object }: ValidationArguments) => problemOf(value, object as never);
  return ValidateBy({
    name: 'check',
    validator: {
      validate: (_value, args) => args !== undefined && problem(args) === undefined,
      defaultMessage: (args) => (args && problem(args)) ?? '',
    },
  });
}

/** @param reason end of the message */
export function Needed(reason = ''): PropertyDecorator {
  return IsDefined({ message: `must be set${reason}` });
}

export function Text(): PropertyDecorator {
  return MinLength(1, { message: 'must be text that is not empty' });
}

export function Name(pattern: RegExp, message: string): PropertyDecorator {
  return Matches(pattern, { message });
}

/** An HTTP URL without credentials. */
export function PlainUrl(message: string): PropertyDecorator {
  return Check((url) => (isPlainUrl(url) ? undefined : message));
}

export function OneOf(values: readonly string[]): PropertyDecorator {
  return IsIn(values, { message: `must be one of ${values.join(', ')}` });
}

export function Switch(): PropertyDecorator {
  return IsBoolean({ message: 'must be true or false' });
}

/** @param unit such as `of seconds`, for the message */
export function WholeNumber(least: number, most = Number.MAX_SAFE_INTEGER, unit = ''): PropertyCheck {
  const range = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`;
  const message = `must be a whole number${unit && ` ${unit}`}${range}`;
  return applyDecorators(IsInt({ message }), Min(least, { message }), Max(most, { message }));
}

/** @param unit such as `of seconds`, for the message */
export function PositiveNumber(unit = ''): PropertyCheck {
  const message = `must be a number${unit && ` ${unit}`} above 0`;
  return applyDecorators(IsNumber({}, { message }), IsPositive({ message }));
}

/** @param unit such as `of seconds`, for the message */
export function NumberFromZero(unit = ''): PropertyCheck {
  const message = `must be a number${unit && ` ${unit}`}, 0 or more`;
  return applyDecorators(IsNumber({}, { message }), Min(0, { message }));
}

function isPlainUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
