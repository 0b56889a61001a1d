import { InputSpec } from './nodes/definition';
import { PythonError, pythonRepr, typeName } from './python-values';
import { ApiError, Json } from './wire';

/** Python's KeyError: its text is the repr of the key. */
export function invalidLinkError(key: unknown): PythonError {
  const isUnhashable = typeof key === 'object' && key !== null;
  return isUnhashable
    ? new PythonError('TypeError', `unhashable type: '${typeName(key)}'`)
    : new PythonError('KeyError', pythonRepr(key));
}

export const notIterable = (value: unknown): PythonError =>
  new PythonError('TypeError', `argument of type '${typeName(value)}' is not iterable`);

export const badIndex = (slot: unknown): PythonError =>
  new PythonError('TypeError', `tuple indices must be integers or slices, not ${typeName(slot)}`);

/** The options are always sent, even if the class declares none. */
const config = ([type, options = {}]: InputSpec): unknown[] => [type, options];

const typeOf = (error: unknown): string =>
  error instanceof PythonError ? error.type : error instanceof RangeError ? 'IndexError' : 'TypeError';

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const TRACEBACK = ['  File "simulator", line 1, in validate_inputs\n'];

export const missingInput = (name: string): ApiError => ({
  type: 'required_input_missing',
  message: 'Required input is missing',
  details: name,
  extra_info: { input_name: name },
});

export const badLink = (name: string, link: Json[], spec: InputSpec): ApiError => ({
  type: 'bad_linked_input',
  message: 'Bad linked input, must be a length-2 list of [node_id, slot_index]',
  details: name,
  extra_info: { input_name: name, input_config: config(spec), received_value: link },
});

export const mismatch = (name: string, received: string, link: Json[], spec: InputSpec): ApiError => ({
  type: 'return_type_mismatch',
  message: 'Return type mismatch between linked nodes',
  details: `${name}, received_type(${received}) mismatch input_type(${typeof spec[0] === 'string' ? spec[0] : pythonRepr(spec[0])})`,
  extra_info: { input_name: name, input_config: config(spec), received_type: received, linked_node: link },
});

export const dependencyCycle = (nodeId: string, cycle: string[], path: string): ApiError => ({
  type: 'dependency_cycle',
  message: 'Dependency cycle detected',
  details: path,
  extra_info: { node_id: nodeId, cycle_nodes: cycle },
});

export const outerFailure = (error: unknown): ApiError => ({
  type: 'exception_during_validation',
  message: 'Exception when validating node',
  details: textOf(error),
  extra_info: { exception_type: typeOf(error), traceback: TRACEBACK },
});

/** Listed under the failed node; the named input is that of the node that links to it. */
export const innerFailure = (error: unknown, name: string, link: Json[], spec: InputSpec): ApiError => ({
  type: 'exception_during_inner_validation',
  message: 'Exception when validating inner node',
  details: textOf(error),
  extra_info: {
    input_name: name,
    input_config: config(spec),
    exception_message: textOf(error),
    exception_type: typeOf(error),
    traceback: TRACEBACK,
    linked_node: link,
  },
});

export const unconvertible = (
  name: string,
  value: unknown,
  shown: string,
  reason: string,
  spec: InputSpec,
): ApiError => ({
  type: 'invalid_input_type',
  message: `Failed to convert an input value to a ${String(spec[0])} value`,
  details: `${name}, ${shown}, ${reason}`,
  extra_info: { input_name: name, input_config: config(spec), received_value: value, exception_message: reason },
});

export const outOfRange = (
  name: string,
  value: unknown,
  limit: 'min' | 'max',
  printed: string[],
  spec: InputSpec,
): ApiError => ({
  type: limit === 'min' ? 'value_smaller_than_min' : 'value_bigger_than_max',
  message: `Value ${printed[0]} ${limit === 'min' ? 'smaller' : 'bigger'} than ${limit} of ${printed[1]}`,
  details: name,
  extra_info: { input_name: name, input_config: config(spec), received_value: value },
});

const MANY_CHOICES = 20;

export function notInList(
  name: string,
  value: unknown,
  shown: string,
  choices: readonly string[],
  spec: InputSpec,
): ApiError {
  const isLong = choices.length > MANY_CHOICES;
  const list = isLong ? `(list of length ${choices.length})` : pythonRepr(choices);
  return {
    type: 'value_not_in_list',
    message: 'Value not in list',
    details: `${name}: '${shown}' not in ${list}`,
    extra_info: { input_name: name, input_config: isLong ? null : config(spec), received_value: value },
  };
}
