import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../domain/errors';
import { recordOf } from '../domain/job/active-job';
import { type CollectedFile, hasEnded, type Job } from '../domain/job/job';
import { oneLine } from '../domain/text';
import { AssetFiles } from './assets/asset-files';
import { Draining } from './draining';
import type { LiveJob } from './live-job';
import { JobBacklog } from './ports/job-backlog';
import { JobNews, type JobSnapshot } from './ports/job-news';
import { ProcessRole } from './process-role';
import { sleep } from './sleep';

/** News may get lost; what is stored is looked at this often, ms. */
const LOOK_MS = 1_000;
const TOGETHER_MS = 15;
/** Nobody sees it: it spares making an error for each job. */
const OVER = new Error('It does not run here any more.');

/** Lets live jobs be the same in all processes: tells of those that run here, and hears of those that run elsewhere. */
@Injectable()
export class JobSharing implements OnApplicationBootstrap {
  readonly #logger = new Logger(JobSharing.name);
  /** What is done for each, to be stopped. */
  readonly #told = new Map<LiveJob, () => void>();
  readonly #heard = new Map<LiveJob, () => void>();

  constructor(
    private readonly news: JobNews,
    private readonly backlog: JobBacklog,
    private readonly files: AssetFiles,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.role.isAlone) void this.#work();
  }

  /** Whether what is known here of a job that does not run here may be old. */
  get isNeeded(): boolean {
    return !this.role.isAlone;
  }

  /** To be called when somebody needs a job, and when it begins or ceases to run here. */
  share(live: LiveJob): void {
    if (this.role.isAlone) return;
    this.forget(live);
    if (live.isRunning) this.#told.set(live, this.#tell(live));
    else if (!hasEnded(live.job)) this.#heard.set(live, this.#hear(live));
  }

  /** As {@link share}, if it was not yet. */
  shareIfNew(live: LiveJob): void {
    if (!this.#told.has(live) && !this.#heard.has(live)) this.share(live);
  }

  /** Nobody here needs it any more. */
  forget(live: LiveJob): void {
    for (const shared of [this.#told, this.#heard]) {
      shared.get(live)?.();
      shared.delete(live);
    }
  }

  /** A file of a job that runs here is stored. It is told of when the job with it is being stored, too, which takes longer. */
  foretell({ job }: LiveJob, file: CollectedFile): void {
    if (!this.role.isAlone) setImmediate(() => this.news.foretell(job.id, file));
  }

  /** Adds what was told of a job that runs elsewhere. */
  async update(live: LiveJob): Promise<void> {
    const [latest] = await this.news.latest([live.job.id]);
    this.#see(live, latest);
  }

  /** These jobs, as stored or, where that is newer, as they were told. */
  async latest(jobs: readonly Job[]): Promise<readonly Job[]> {
    const running = this.role.isAlone ? [] : jobs.filter((job) => job.backend !== null);
    if (running.length === 0) return jobs;
    const told = await this.news.latest(running.map(({ id }) => id));
    const latest = new Map(running.map((job, index) => [job, newer(job, told[index]?.job)]));
    return jobs.map((job) => latest.get(job) ?? job);
  }

  #tell(live: LiveJob): () => void {
    const over = new AbortController();
    void this.#tellChanges(live, over.signal);
    return () => {
      over.abort(OVER);
      this.news.tell(snapshotOf(live));
    };
  }

  /** What happens in quick succession is told together, and only when it is stored: what gets lost with this process was never told. */
  async #tellChanges(live: LiveJob, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await live.changes(over);
      do await sleep(TOGETHER_MS, over);
      while (!over.aborted && !isStored(live));
      if (!over.aborted) this.news.tell(snapshotOf(live));
    }
  }

  #hear(live: LiveJob): () => void {
    return this.news.listen(
      live.job.id,
      (snapshot) => this.#see(live, snapshot),
      (file) => void this.#fetch(live, file),
    );
  }

  /** Who needs the bytes says so if they can not be had. */
  async #fetch(live: LiveJob, file: CollectedFile): Promise<void> {
    if (live.needsBytes) await this.files.hold(live, file, this.draining.over).catch(() => undefined);
  }

  #see(live: LiveJob, snapshot: JobSnapshot | undefined): void {
    if (snapshot) live.see(snapshot);
    if (hasEnded(live.job)) this.forget(live);
  }

  async #work(): Promise<void> {
    while (!this.draining.isOver) {
      await this.#look().catch((error: unknown) => {
        this.#logger.warn(`Jobs of other processes can not be followed: ${oneLine(toComfyUIError(error).message)}`);
      });
      await sleep(LOOK_MS, this.draining.over);
    }
  }

  async #look(): Promise<void> {
    const lives = new Map([...this.#heard.keys()].map((live) => [live.job.id, live]));
    if (lives.size === 0) return;
    const known = [...lives.values()].map(({ job }) => ({ id: job.id, revision: job.revision }));
    for (const job of await this.backlog.changed(known)) this.#see(lives.get(job.id)!, { job });
  }
}

function newer(job: Job, told: Job | undefined): Job {
  return told && told.revision > job.revision ? told : job;
}

/** But for its progress, which is not stored with every step. */
function isStored({ job, stored }: LiveJob): boolean {
  const { status, attempts, acceptance, outputs } = job;
  return (
    status === stored.status &&
    attempts === stored.attempts &&
    acceptance === stored.acceptance &&
    outputs === stored.outputs
  );
}

function snapshotOf({ job, preview }: LiveJob): JobSnapshot {
  return { job: recordOf(job), preview };
}
