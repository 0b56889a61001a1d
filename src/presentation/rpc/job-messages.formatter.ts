import type { JobService } from '../../application/jobs/job.service';
import type { JobSession } from '../../application/jobs/job-session';
import { hasEnded, type Job } from '../../domain/job/job';
import type { JobEvent } from '../../domain/job/job-event';
import { type JobEventFormatter, progressMessage } from '../shared/jobs/job-event-stream';
import { toJobOutputDto } from '../shared/jobs/job-parts.dto';
import { type JobDto, toJobDto } from '../shared/jobs/job.dto';
import type { UrlBuilder } from '../shared/url-builder';
import type { JobStreamMessage } from './messages';

/** `job` whole at first and when its status changes, `progress` and `output` between, and `end` with the whole job again. */
export class JobMessagesFormatter implements JobEventFormatter<JobStreamMessage> {
  /** Outputs that the first `job` contains. */
  #known: Job['outputs'] | undefined;

  constructor(
    private readonly session: JobSession,
    private readonly jobs: Pick<JobService, 'view'>,
    private readonly urls: UrlBuilder,
  ) {}

  async *event(event: JobEvent): AsyncGenerator<JobStreamMessage, void, undefined> {
    const { kind, job } = event;
    if (kind === 'status' && !hasEnded(job)) yield { kind: 'job', job: await this.#whole(job) };
    if (kind === 'progress') yield { kind: 'progress', progress: progressMessage(job) };
    this.#known ??= job.outputs;
    if (kind === 'output' && !this.#known.includes(event.file))
      yield { kind: 'output', output: toJobOutputDto(event.file, this.urls) };
  }

  async *end(): AsyncGenerator<JobStreamMessage, void, undefined> {
    const { job } = this.session;
    if (hasEnded(job)) yield { kind: 'end', job: await this.#whole(job) };
  }

  async #whole(job: Job): Promise<JobDto> {
    return toJobDto(await this.jobs.view(job), this.urls);
  }
}
