import { Injectable } from '@nestjs/common';
import { Draining } from './draining';
import { JobStore } from './ports/job-store';

@Injectable()
export class ReadinessService {
  constructor(
    private readonly draining: Draining,
    private readonly store: JobStore,
  ) {}

  /**
   * Whether jobs can be taken; a ComfyUI server that is down is no reason not to.
   * @throws ComfyUIError `shutting_down`, `storage_failed`
   */
  async check(): Promise<void> {
    this.draining.refuseNew();
    await this.store.check();
  }
}
