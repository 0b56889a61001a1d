import { PythonError, pythonStr } from './python-values';

/** The prompt was interrupted at a checkpoint. */
export class Interrupted extends Error {}

const OUT_OF_MEMORY_TIPS =
  'This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have ' +
  'accidentally set the batch_size to a large number.';

/** The fields of `execution_error` about the exception: the message always ends with a line break and tips. */
export function describeFailure(error: unknown): Record<string, unknown> {
  const type = error instanceof PythonError ? error.type : 'RuntimeError';
  const message = error instanceof Error ? error.message : String(error);
  const tips = type.endsWith('OutOfMemoryError') ? OUT_OF_MEMORY_TIPS : '';
  return {
    exception_message: `${message}\n${tips}`,
    exception_type: type,
    traceback: ['  File "simulator", line 1, in execute\n'],
  };
}

/** Plain values unchanged, others as Python prints them; each in a list, because nodes may run over lists. */
export function describeInputs(values: ReadonlyMap<string, unknown>): Record<string, unknown[]> {
  return Object.fromEntries([...values].map(([name, value]) => [name, [describeValue(value)]]));
}

function describeValue(value: unknown): unknown {
  if (value === undefined || value === null || typeof value !== 'object') return value ?? null;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? pythonStr(value) : 'tensor([[[[...]]]])';
}
