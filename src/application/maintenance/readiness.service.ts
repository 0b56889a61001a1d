import { Injectable } from '@nestjs/common';
import { ShutdownState } from './shutdown-state';
import { JobRepository } from '../jobs/job-repository';

@Injectable()
export class ReadinessService {
  constructor(
    private readonly shutdownState: ShutdownState,
    private readonly store: JobRepository,
  ) {}

  /**
   * Whether jobs can be taken; a ComfyUI server that is down is no reason not to.
   * @throws ComfyUIError `shutting_down`, `storage_failed`
   */
  async check(): Promise<void> {
    this.shutdownState.refuseNew();
    await this.store.check();
  }
}
