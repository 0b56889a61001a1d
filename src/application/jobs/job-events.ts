import { Injectable } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import type { Job } from '../../domain/job/job';
import type { JobEvent } from '../../domain/job/job-event';

/**
 * The events of all jobs that this process runs or changes, once they are stored: `status` (a job starts, is being canceled, or
 * ends) and `output` (a file is in the storage).
 * @publicApi
 * @example
 * events.stream.pipe(filter(({ kind, job }) => kind === 'status' && job.status === 'succeeded')).subscribe(...)
 */
@Injectable()
export class JobEvents {
  readonly #subject = new Subject<JobEvent>();

  /** A subscriber that throws is reported by RxJS and does not concern the job. */
  readonly stream: Observable<JobEvent> = this.#subject.asObservable();

  /** Emits what a write of a job changed. */
  stored(before: Job, job: Job): void {
    if (!this.#subject.observed) return;
    const known = new Set(before.outputs.map(({ assetId }) => assetId));
    for (const file of job.outputs) if (!known.has(file.assetId)) this.#subject.next({ kind: 'output', job, file });
    if (job.status !== before.status) this.#subject.next({ kind: 'status', job });
  }
}
