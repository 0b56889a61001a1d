import { Injectable } from '@nestjs/common';
import type { Job } from '../../domain/job/job';
import { activate, type JobState } from '../../domain/job/job-state';
import { Condition } from '../../shared/condition';
import { SingleFlight } from '../../shared/single-flight';
import { JobRepository } from './job-repository';
import { JobSession } from './job-session';
import { JobSync } from './job-sync';

/** The sessions of this process: one per job, so that all callers see the same state. */
@Injectable()
export class JobRegistry {
  readonly #sessions = new Map<string, JobSession>();
  readonly #loading = new SingleFlight<string, JobSession | undefined>();
  readonly #releases = new Condition();

  constructor(
    private readonly repository: JobRepository,
    private readonly sync: JobSync,
  ) {}

  /** A session of a new job; held once. */
  add(job: JobState): JobSession {
    const session = this.#create(job);
    session.hold();
    this.sync.track(session);
    return session;
  }

  /** The session of a job, with its current state; held once more. */
  open(id: string): Promise<JobSession | undefined> {
    return this.#hold(id, (session, isLoaded) => {
      this.sync.track(session);
      return isLoaded ? this.sync.refreshProgress(session) : this.sync.refresh(session);
    });
  }

  /** As {@link open}, for a run in this process: its state is the stored one, without what is only published. */
  openStored(id: string): Promise<JobSession | undefined> {
    return this.#hold(id, (session, isLoaded) => (isLoaded ? undefined : this.sync.reload(session)));
  }

  /** The session of a job that was just claimed; held once more. */
  openClaimed(job: Job): Promise<JobSession | undefined> {
    return this.#hold(job.id, async (session) => session.replace(job));
  }

  /** Merges the stored state, unless this process knows it best. @throws ComfyUIError `storage_failed` */
  refresh(session: JobSession): Promise<void> {
    return this.sync.refresh(session);
  }

  /** The state of a job where this process knows it best. */
  current(id: string): JobState | undefined {
    const session = this.#sessions.get(id);
    return session && this.sync.isCurrent(session) ? session.job : undefined;
  }

  peek(id: string): JobSession | undefined {
    return this.#sessions.get(id);
  }

  /** The sessions that callers hold. */
  held(): JobSession[] {
    return [...this.#sessions.values()].filter(({ isHeld }) => isHeld);
  }

  /** Resolves when no caller holds a session, or at the deadline, ms since the epoch. */
  async untilReleased(deadline: number): Promise<void> {
    while (this.held().length > 0 && Date.now() < deadline) await this.#releases.wait(deadline - Date.now());
  }

  /** The job runs in this process from now on. */
  beginRun(session: JobSession): void {
    session.beginRun();
    this.sync.track(session);
  }

  /** The job does not run in this process any more. */
  endRun(session: JobSession): void {
    session.endRun();
    if (this.#sessions.get(session.job.id) === session) this.sync.track(session);
  }

  async #hold(
    id: string,
    prepare: (session: JobSession, isLoaded: boolean) => Promise<void> | undefined,
  ): Promise<JobSession | undefined> {
    const known = this.#sessions.get(id);
    const session = known ?? (await this.#loading.join(id, () => this.#load(id)));
    session?.hold();
    try {
      if (session) await prepare(session, known === undefined);
      return session;
    } catch (error) {
      session?.release();
      throw error;
    }
  }

  async #load(id: string): Promise<JobSession | undefined> {
    const stored = await this.repository.find(id, { withWorkflow: true });
    return this.#sessions.get(id) ?? (stored && this.#create(activate(stored.job, stored.workflow)));
  }

  #create(job: JobState): JobSession {
    const session = new JobSession(job, (released) => this.#released(released));
    this.#sessions.set(job.id, session);
    return session;
  }

  #released(session: JobSession): void {
    this.#releases.notifyAll();
    if (session.isRunning) return;
    this.sync.untrack(session);
    if (this.#sessions.get(session.job.id) === session) this.#sessions.delete(session.job.id);
  }
}
