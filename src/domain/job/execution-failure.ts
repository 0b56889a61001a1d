import { ComfyUIError } from '../errors';
import { oneLine } from '../../shared/text';
import type { ExecutionFailure } from './run-event';

const OUT_OF_MEMORY = /OutOfMemoryError|CUDA out of memory|HIP out of memory/;
/** After these a process can not use its GPU any more, whatever it runs. */
const DEVICE_FAULT =
  /CUDA error|HIP error|CUBLAS_STATUS|CUDNN_STATUS|cuDNN error|device-side assert|illegal memory access|AcceleratorError/;

/** A node that failed, as the error of its job: the node, its class, what it said and its traceback are in the details. */
export function executionFailure(failure: ExecutionFailure): ComfyUIError {
  const { nodeId, classType, message, exceptionType, traceback } = failure;
  const details = { nodeId, classType, exceptionType, traceback };
  const reason = oneLine(message, 1000) || exceptionType;
  const isOutOfMemory = OUT_OF_MEMORY.test(`${exceptionType} ${message}`);
  const code = isOutOfMemory ? 'out_of_memory' : 'execution_failed';
  const told = isOutOfMemory ? `ran out of memory: ${reason}` : `failed: ${reason}`;
  return new ComfyUIError(code, `Node ${oneLine(nodeId, 60)} (${oneLine(classType, 100)}) ${told}`, { details });
}

/** Whether a node failed because the device below it is broken: the workflow may be fine. */
export function isDeviceFault({ code, message, details }: ComfyUIError): boolean {
  return code === 'execution_failed' && DEVICE_FAULT.test(`${String(details?.exceptionType)} ${message}`);
}
