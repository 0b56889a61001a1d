import type { OnApplicationBootstrap } from '@nestjs/common';
import { type CollectedFile, hasEnded, isWaiting, type Job } from '../../domain/job/job';
import { recordOf } from '../../domain/job/job-state';
import { sleep } from '../../shared/sleep';
import type { Timing } from '../../options/timing';
import type { AssetFiles } from '../assets/asset-files';
import type { PeriodicTasks } from '../maintenance/periodic-tasks';
import type { JobEventBus, JobSnapshot } from './job-event-bus';
import type { JobRepository } from './job-repository';
import type { JobSession } from './job-session';
import { JobSync } from './job-sync';

/** One error for all jobs: it is only a signal's reason. */
const NOT_HERE = new Error('The job does not run here any more.');

/** For a process among several: publishes the jobs that run here and follows the others, on the event bus and in the database. */
export class SharedJobSync extends JobSync implements OnApplicationBootstrap {
  readonly #published = new Map<JobSession, AbortController>();
  readonly #followed = new Map<JobSession, () => void>();

  constructor(
    private readonly bus: JobEventBus,
    private readonly repository: JobRepository,
    private readonly files: AssetFiles,
    private readonly tasks: PeriodicTasks,
    private readonly timing: Timing,
  ) {
    super();
  }

  /** Events may get lost: the database is read for what they would have said. */
  onApplicationBootstrap(): void {
    this.tasks.start({
      failure: 'Jobs of other processes cannot be followed',
      interval: this.timing.poll,
      run: () => this.#readChanges([...this.#followed.keys()]),
    });
  }

  track(session: JobSession): void {
    const isPublished = this.#published.has(session);
    if (isPublished && session.isRunning) return;
    if (isPublished) this.#unpublish(session);
    if (session.isRunning) {
      this.#unfollow(session);
      this.#publish(session);
    } else if (!hasEnded(session.job) && !this.#followed.has(session)) this.#follow(session);
  }

  untrack(session: JobSession): void {
    if (this.#published.has(session)) this.#unpublish(session);
    this.#unfollow(session);
  }

  isCurrent({ isRunning }: JobSession): boolean {
    return isRunning;
  }

  async refresh(session: JobSession): Promise<void> {
    if (session.isRunning) return;
    const stored = await this.repository.find(session.job.id);
    if (stored) this.#merge(session, stored);
    await this.refreshProgress(session);
  }

  async refreshProgress(session: JobSession): Promise<void> {
    if (session.isRunning || session.job.backend === null) return;
    const [latest] = await this.bus.latest([session.job.id]);
    if (latest) this.#merge(session, latest);
  }

  async reload(session: JobSession): Promise<void> {
    const stored = session.isRunning ? undefined : await this.repository.find(session.job.id);
    if (stored) session.replace(stored.job);
  }

  async latest(jobs: readonly Job[]): Promise<readonly Job[]> {
    const running = jobs.filter(({ backend }) => backend !== null);
    if (running.length === 0) return jobs;
    const published = await this.bus.latest(running.map(({ id }) => id));
    const latest = new Map(running.map((job, index) => [job, newer(job, published[index]?.job)]));
    return jobs.map((job) => latest.get(job) ?? job);
  }

  async untilClaimed(session: JobSession): Promise<void> {
    const isClaimed = (job: Job) => job.acceptance !== undefined || hasEnded(job);
    await session.until(isClaimed, AbortSignal.timeout(this.timing.claimElsewhere)).catch(() => undefined);
  }

  async load(): Promise<ReadonlyMap<string, number>> {
    const load = new Map<string, number>();
    for (const { backend } of await this.repository.open({ kind: 'assigned' }))
      if (backend !== null) load.set(backend, (load.get(backend) ?? 0) + 1);
    return load;
  }

  #publish(session: JobSession): void {
    const ended = new AbortController();
    this.#published.set(session, ended);
    void this.#publishChanges(session, ended.signal);
  }

  #unpublish(session: JobSession): void {
    this.#published.get(session)?.abort(NOT_HERE);
    this.#published.delete(session);
    this.bus.publish(snapshotOf(session));
    if (isWaiting(session.job)) this.bus.publishWork();
  }

  /** Changes in quick succession are published together, and only once they are stored: a crash takes back nothing published. */
  async #publishChanges(session: JobSession, ended: AbortSignal): Promise<void> {
    const files = new Set(session.job.outputs);
    while (!ended.aborted) {
      await session.changes(ended);
      this.#publishFiles(session, files);
      do await sleep(this.timing.publishTogether, ended);
      while (!ended.aborted && !isStored(session));
      if (!ended.aborted) this.bus.publish(snapshotOf(session));
    }
  }

  /** A file is in the storage before the job that lists it is stored: a reader in another process fetches it meanwhile. */
  #publishFiles({ job }: JobSession, published: Set<CollectedFile>): void {
    for (const file of job.outputs) {
      if (published.has(file)) continue;
      published.add(file);
      this.bus.publishFile(job.id, file);
    }
  }

  #follow(session: JobSession): void {
    const unsubscribe = this.bus.subscribe(session.job.id, {
      onSnapshot: (snapshot) => this.#merge(session, snapshot),
      onChanged: () => void this.#readChanges([session]).catch(() => undefined),
      onFile: (file) => void this.#fetch(session, file),
    });
    this.#followed.set(session, unsubscribe);
  }

  #unfollow(session: JobSession): void {
    this.#followed.get(session)?.();
    this.#followed.delete(session);
  }

  /** A caller that needs the bytes reports a failure when it reads them. */
  async #fetch(session: JobSession, file: CollectedFile): Promise<void> {
    if (session.needsBytes) await this.files.hold(session, file, this.tasks.signal).catch(() => undefined);
  }

  #merge(session: JobSession, snapshot: JobSnapshot): void {
    session.merge(snapshot);
    if (hasEnded(session.job)) this.#unfollow(session);
  }

  async #readChanges(sessions: readonly JobSession[]): Promise<void> {
    if (sessions.length === 0) return;
    const byId = new Map(sessions.map((session) => [session.job.id, session]));
    const known = sessions.map(({ job }) => ({ id: job.id, revision: job.revision }));
    for (const job of await this.repository.open({ kind: 'changed', known })) {
      const session = byId.get(job.id);
      if (session) this.#merge(session, { job });
    }
  }
}

function newer(job: Job, published: Job | undefined): Job {
  return published && published.revision > job.revision ? published : job;
}

/** Except for its progress, which is not stored with every step. */
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
