import { JobNews, type JobSnapshot } from '../../application/ports/job-news';

/** For a process without others that could tell anything quickly. */
export class NoNews extends JobNews {
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
