import { Injectable } from '@nestjs/common';
import { JobRepository } from '../jobs/job-repository';
import { ShutdownState } from './shutdown-state';

/**
 * Whether jobs can be submitted.
 * @publicApi
 */
@Injectable()
export class ReadinessService {
  constructor(
    private readonly shutdown: ShutdownState,
    private readonly repository: JobRepository,
  ) {}

  /**
   * Resolves when jobs can be submitted; a ComfyUI server that is down does not matter.
   * @throws ComfyUIError `shutting_down`, `storage_failed`
   */
  async check(): Promise<void> {
    this.shutdown.refuseNew();
    await this.repository.list({ limit: 1 });
  }
}
