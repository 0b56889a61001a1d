import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { recordOf } from '../../domain/job/job-state';
import { type CollectedFile, hasEnded, type Job } from '../../domain/job/job';
import { oneLine } from '../../shared/text';
import { AssetFiles } from '../assets/asset-files';
import { ShutdownState } from '../maintenance/shutdown-state';
import type { JobSession } from './job-session';
import { JobBacklog } from './job-backlog';
import { JobEventBus, type JobSnapshot } from './job-event-bus';
import { ProcessRole } from '../execution/process-role';
import { sleep } from '../../shared/sleep';

/** News may get lost; what is stored is looked at this often, ms. */
const LOOK_MS = 1_000;
const TOGETHER_MS = 15;
/** Nobody sees it: it spares making an error for each job. */
const OVER = new Error('It does not run here any more.');

/** Lets live jobs be the same in all processes: tells of those that run here, and hears of those that run elsewhere. */
@Injectable()
export class JobSync implements OnApplicationBootstrap {
  readonly #logger = new Logger(JobSync.name);
  /** What is done for each, to be stopped. */
  readonly #told = new Map<JobSession, () => void>();
  readonly #heard = new Map<JobSession, () => void>();

  constructor(
    private readonly news: JobEventBus,
    private readonly backlog: JobBacklog,
    private readonly files: AssetFiles,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.role.isSingleProcess) void this.#work();
  }

  /** Whether what is known here of a job that does not run here may be old. */
  get isNeeded(): boolean {
    return !this.role.isSingleProcess;
  }

  /** To be called when somebody needs a job, and when it begins or ceases to run here. */
  share(session: JobSession): void {
    if (this.role.isSingleProcess) return;
    this.forget(session);
    if (session.isRunning) this.#told.set(session, this.#tell(session));
    else if (!hasEnded(session.job)) this.#heard.set(session, this.#hear(session));
  }

  /** As {@link share}, if it was not yet. */
  shareIfNew(session: JobSession): void {
    if (!this.#told.has(session) && !this.#heard.has(session)) this.share(session);
  }

  /** Nobody here needs it any more. */
  forget(session: JobSession): void {
    for (const shared of [this.#told, this.#heard]) {
      shared.get(session)?.();
      shared.delete(session);
    }
  }

  /** A file of a job that runs here is stored. It is told of when the job with it is being stored, too, which takes longer. */
  foretell({ job }: JobSession, file: CollectedFile): void {
    if (!this.role.isSingleProcess) setImmediate(() => this.news.foretell(job.id, file));
  }

  /** Adds what was told of a job that runs elsewhere. */
  async update(session: JobSession): Promise<void> {
    const [latest] = await this.news.latest([session.job.id]);
    this.#see(session, latest);
  }

  /** These jobs, as stored or, where that is newer, as they were told. */
  async latest(jobs: readonly Job[]): Promise<readonly Job[]> {
    const running = this.role.isSingleProcess ? [] : jobs.filter((job) => job.backend !== null);
    if (running.length === 0) return jobs;
    const told = await this.news.latest(running.map(({ id }) => id));
    const latest = new Map(running.map((job, index) => [job, newer(job, told[index]?.job)]));
    return jobs.map((job) => latest.get(job) ?? job);
  }

  #tell(session: JobSession): () => void {
    const over = new AbortController();
    void this.#tellChanges(session, over.signal);
    return () => {
      over.abort(OVER);
      this.news.tell(snapshotOf(session));
    };
  }

  /** What happens in quick succession is told together, and only when it is stored: what gets lost with this process was never told. */
  async #tellChanges(session: JobSession, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await session.changes(over);
      do await sleep(TOGETHER_MS, over);
      while (!over.aborted && !isStored(session));
      if (!over.aborted) this.news.tell(snapshotOf(session));
    }
  }

  #hear(session: JobSession): () => void {
    return this.news.listen(
      session.job.id,
      (snapshot) => this.#see(session, snapshot),
      (file) => void this.#fetch(session, file),
    );
  }

  /** Who needs the bytes says so if they can not be had. */
  async #fetch(session: JobSession, file: CollectedFile): Promise<void> {
    if (session.needsBytes) await this.files.hold(session, file, this.shutdownState.over).catch(() => undefined);
  }

  #see(session: JobSession, snapshot: JobSnapshot | undefined): void {
    if (snapshot) session.see(snapshot);
    if (hasEnded(session.job)) this.forget(session);
  }

  async #work(): Promise<void> {
    while (!this.shutdownState.isOver) {
      await this.#look().catch((error: unknown) => {
        this.#logger.warn(`Jobs of other processes can not be followed: ${oneLine(toComfyUIError(error).message)}`);
      });
      await sleep(LOOK_MS, this.shutdownState.over);
    }
  }

  async #look(): Promise<void> {
    const registry = new Map([...this.#heard.keys()].map((session) => [session.job.id, session]));
    if (registry.size === 0) return;
    const known = [...registry.values()].map(({ job }) => ({ id: job.id, revision: job.revision }));
    for (const job of await this.backlog.changed(known)) this.#see(registry.get(job.id)!, { job });
  }
}

function newer(job: Job, told: Job | undefined): Job {
  return told && told.revision > job.revision ? told : job;
}

/** But for its progress, which is not stored with every step. */
function isStored({ job, stored }: JobSession): boolean {
  const { status, attempts, acceptance, outputs } = job;
  return (
    status === stored.status &&
    attempts === stored.attempts &&
    acceptance === stored.acceptance &&
    outputs === stored.outputs
  );
}

function snapshotOf({ job, preview }: JobSession): JobSnapshot {
  return { job: recordOf(job), preview };
}
