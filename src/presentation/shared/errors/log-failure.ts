import type { Logger } from '@nestjs/common';
import type { ComfyUIError } from '../../../domain/errors';
import { oneLine } from '../../../shared/text';

/** Logs the error of a request, once: the error of a job is logged with the job, not with each of its callers. */
export function logFailure(logger: Logger, error: ComfyUIError): void {
  if (error.jobId !== undefined && error.code !== 'timeout') return;
  const line = `${error.code}: ${oneLine(error.message)}`;
  if (error.code === 'internal_error') logger.error(line, error.cause instanceof Error ? error.cause.stack : undefined);
  else logger.warn(line);
}
