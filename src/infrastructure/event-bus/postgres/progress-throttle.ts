import { LRUCache } from 'lru-cache';
import type { Job } from '../../../domain/job/job';

/** Shortest time between two publications of a job's progress, ms. */
const INTERVAL_MS = 50;
/** Fields that change with every step of a run. */
const PROGRESS: ReadonlySet<string> = new Set<keyof Job>(['revision', 'progress', 'nodeDurations']);

interface PublishedJob {
  readonly job: Job;
  readonly at: number;
}

/** Passes on a job at once, unless only its progress changed: of that the last state of each interval, and always the last one. */
export class ProgressThrottle {
  readonly #published = new LRUCache<string, PublishedJob>({ max: 1_000 });
  readonly #delayed = new Map<string, { readonly timer: NodeJS.Timeout; readonly send: () => void }>();

  constructor(private readonly send: (job: Job, isProgress: boolean) => void) {}

  publish(job: Job): void {
    const last = this.#published.get(job.id);
    const isProgress = last !== undefined && hasOnlyProgressed(last.job, job);
    clearTimeout(this.#delayed.get(job.id)?.timer);
    const send = () => {
      this.#delayed.delete(job.id);
      this.#published.set(job.id, { job, at: performance.now() });
      this.send(job, isProgress);
    };
    const delay = isProgress ? last.at + INTERVAL_MS - performance.now() : 0;
    if (delay <= 0) send();
    else this.#delayed.set(job.id, { timer: setTimeout(send, delay), send });
  }

  /** Passes on everything that is delayed. */
  flush(): void {
    for (const { timer, send } of this.#delayed.values()) {
      clearTimeout(timer);
      send();
    }
  }
}

/** Fields of a job are replaced when they change, never modified. */
function hasOnlyProgressed(before: Job, after: Job): boolean {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Job>;
  return [...fields].every((field) => PROGRESS.has(field) || before[field] === after[field]);
}
