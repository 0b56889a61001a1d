import { PythonError, pythonStr } from './python-values';

/** The prompt was interrupted at a checkpoint. */
export class Interrupted extends Error {}

const OUT_OF_MEMORY_TIPS =
  'This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have ' +
  'accidentally set the batch_size to a large number.';

/** The members of `execution_error` that say what was raised: the message always ends in a line break and tips. */
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

/** Plain values as they are, everything else as Python prints it; every value in a list, as nodes may run over lists. */
export function describeInputs(values: ReadonlyMap<string, unknown>): Record<string, unknown[]> {
  return Object.fromEntries([...values].map(([name, value]) => [name, [describeValue(value)]]));
}

function describeValue(value: unknown): unknown {
  if (value === undefined || value === null || typeof value !== 'object') return value ?? null;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? pythonStr(value) : 'tensor([[[[...]]]])';
}
