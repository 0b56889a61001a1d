import { InputSpec } from './nodes/definition';
import { pythonBool, pythonFloat, pythonInt, pythonStr } from './python-values';
import { notInList, outOfRange, unconvertible } from './validation-errors';
import { ApiError, isObject, Json, PromptNode } from './wire';

const CONVERSIONS: Record<string, (value: Json) => Json> = {
  INT: pythonInt,
  FLOAT: pythonFloat,
  STRING: pythonStr,
  BOOLEAN: pythonBool,
};

/** `{"__value__": x}` sends a list as a value, because a bare list would be a link. */
const unwrap = (value: Json): Json => (isObject(value) && '__value__' in value ? value['__value__'] : value);

/**
 * Checks a value that is not a link, and writes it back coerced. A node's own validator replaces limits and choices, not
 * the conversion. Types without a widget accept any value, which then fails when the node runs.
 */
export function checkValue(
  node: PromptNode,
  name: string,
  value: Json,
  spec: InputSpec,
  hasValidator: boolean,
): ApiError | undefined {
  const bare = unwrap(value);
  node.inputs[name] = bare;
  const convert = typeof spec[0] === 'string' ? CONVERSIONS[spec[0]] : undefined;
  let converted: Json;
  try {
    converted = convert === undefined ? bare : convert(bare);
  } catch (error) {
    return unconvertible(name, bare, pythonStr(bare), error instanceof Error ? error.message : String(error), spec);
  }
  node.inputs[name] = converted;
  return hasValidator ? undefined : (limitError(name, converted, spec) ?? choiceError(name, converted, spec));
}

function limitError(name: string, value: Json, spec: InputSpec): ApiError | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  const { min, max } = spec[1] ?? {};
  const isFloat = spec[0] === 'FLOAT';
  if (isBound(min) && value < min)
    return outOfRange(
      name,
      value,
      'min',
      [value, min].map((one) => printed(one, isFloat)),
      spec,
    );
  if (isBound(max) && value > max)
    return outOfRange(
      name,
      value,
      'max',
      [value, max].map((one) => printed(one, isFloat)),
      spec,
    );
  return undefined;
}

const isBound = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

/** Python prints an integral float with `.0`. */
const printed = (value: number | bigint, isFloat: boolean): string =>
  isFloat && Number.isInteger(value) ? `${value}.0` : String(value);

/** Checks only lists that are the type itself: 0.3.64 accepts any value for `["COMBO", { options }]`. */
function choiceError(name: string, value: Json, spec: InputSpec): ApiError | undefined {
  const choices = spec[0];
  if (typeof choices === 'string' || choices.some((choice) => choice === value)) return undefined;
  return notInList(name, value, pythonStr(value), choices, spec);
}
