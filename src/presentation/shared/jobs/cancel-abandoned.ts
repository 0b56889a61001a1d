import { Logger } from '@nestjs/common';
import type { JobService } from '../../../application/jobs/job.service';
import { toComfyUIError } from '../../../domain/errors';
import { oneLine } from '../../../shared/text';

const logger = new Logger('Disconnects');

/** Cancels the job of a caller that left with `cancelOnDisconnect`. Never rejects: no caller is left to receive the error. */
export async function cancelAbandoned(jobs: Pick<JobService, 'cancel'>, id: string): Promise<void> {
  try {
    await jobs.cancel(id);
  } catch (error) {
    logger.warn(`Job ${id} could not be canceled: ${oneLine(toComfyUIError(error).message)}`);
  }
}
