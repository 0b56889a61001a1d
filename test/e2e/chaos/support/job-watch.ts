import { setTimeout } from 'node:timers/promises';
import type { JobDto, JobPageDto } from '../../../../src/presentation/shared/jobs/job.dto';
import type { Front } from './front';

const LOOK_MS = 150;
const RANKS: Record<JobDto['status'], number> = {
  queued: 0,
  running: 1,
  canceling: 2,
  succeeded: 3,
  failed: 3,
  expired: 3,
  canceled: 3,
};

/** Polls the newest jobs, also across restarts: status and revision never go back, and an ended job does not change. */
export class JobWatch {
  readonly findings: string[] = [];
  /** Jobs whose revision went back with the same status. */
  readonly setbacks: string[] = [];
  readonly #seen = new Map<string, JobDto>();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(private readonly service: Front) {
    this.#done = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Compares a job with its state at the last poll. */
  see(job: JobDto): void {
    const before = this.#seen.get(job.id);
    this.#seen.set(job.id, job);
    if (!before) return;
    const change = `${job.id} was ${before.status} (${before.revision}), is ${job.status} (${job.revision})`;
    if (RANKS[job.status] < RANKS[before.status]) this.findings.push(change);
    else if (job.revision < before.revision)
      (job.status === before.status ? this.setbacks : this.findings).push(change);
    else if (isEnded(before) && JSON.stringify(before) !== JSON.stringify(job))
      this.findings.push(`${job.id} changed after its end, from ${JSON.stringify(before)} to ${JSON.stringify(job)}`);
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const page = await this.service.get<JobPageDto>('/jobs?limit=200').catch(() => undefined);
      for (const job of page?.jobs ?? []) this.see(job);
      await setTimeout(LOOK_MS);
    }
  }
}

export function isEnded({ status }: JobDto): boolean {
  return RANKS[status] === RANKS.succeeded;
}
