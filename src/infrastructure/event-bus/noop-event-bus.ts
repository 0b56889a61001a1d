import { JobEventBus, type JobSnapshot } from '../../application/jobs/job-event-bus';

/** The bus of a process that shares its database with no other one. */
export class NoopEventBus extends JobEventBus {
  publish(): void {}

  publishFile(): void {}

  publishWork(): void {}

  publishCancellation(): void {}

  async latest(jobIds: readonly string[]): Promise<readonly (JobSnapshot | undefined)[]> {
    return jobIds.map(() => undefined);
  }

  subscribe(): () => void {
    return () => undefined;
  }

  subscribeProcess(): void {}

  onApplicationShutdown(): void {}
}
