import { ComfyUIError } from '../errors';
import { oneLine } from '../../shared/text';
import type { ExecutionFailure } from './run-event';

const OUT_OF_MEMORY = /OutOfMemoryError|CUDA out of memory|HIP out of memory/;
/** Errors after which the ComfyUI process cannot use its GPU any more, whatever the workflow. */
const DEVICE_FAULT =
  /CUDA error|HIP error|CUBLAS_STATUS|CUDNN_STATUS|cuDNN error|device-side assert|illegal memory access|AcceleratorError/;

/** The error of a job whose node failed. `details`: `{ nodeId, classType, exceptionType, traceback }`. */
export function executionFailure(failure: ExecutionFailure): ComfyUIError {
  const { nodeId, classType, message, exceptionType, traceback } = failure;
  const details = { nodeId, classType, exceptionType, traceback };
  const reason = oneLine(message, 1000) || exceptionType;
  const isOutOfMemory = OUT_OF_MEMORY.test(`${exceptionType} ${message}`);
  const code = isOutOfMemory ? 'out_of_memory' : 'execution_failed';
  const summary = isOutOfMemory ? `ran out of memory: ${reason}` : `failed: ${reason}`;
  return new ComfyUIError(code, `Node ${oneLine(nodeId, 60)} (${oneLine(classType, 100)}) ${summary}`, { details });
}

/** Whether a node failed because of its GPU: the workflow may be valid. */
export function isDeviceFault({ code, message, details }: ComfyUIError): boolean {
  return code === 'execution_failed' && DEVICE_FAULT.test(`${String(details?.exceptionType)} ${message}`);
}
