import { JobEventBus, type JobSnapshot } from '../../application/jobs/job-event-bus';

/** For a process without others that could tell anything quickly. */
export class NoopEventBus extends JobEventBus {
  tell(): void {}

  async latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    return jobIds.map(() => undefined);
  }

  foretell(): void {}

  listen(): () => void {
    return () => undefined;
  }

  askToCancel(): void {}

  onCancel(): void {}
}
