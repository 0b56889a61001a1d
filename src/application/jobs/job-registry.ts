import { Injectable } from '@nestjs/common';
import { activate, type JobState } from '../../domain/job/job-state';
import { JobWriter } from './job-writer';
import { JobSync } from './job-sync';
import { type Keeper, JobSession } from './job-session';
import { JobRepository, type StoredJob } from './job-repository';

/** The jobs that somebody in this process holds or runs: each once, so that all see the same. */
@Injectable()
export class JobRegistry {
  readonly #session = new Map<string, JobSession>();
  readonly #keeper: Keeper = {
    stored: (session) => this.writer.stored(session),
    share: (session) => this.sync.share(session),
    collected: (session, file) => this.sync.foretell(session, file),
    forget: (session) => {
      this.sync.forget(session);
      if (this.#session.get(session.job.id) === session) this.#session.delete(session.job.id);
    },
  };
  readonly #loading = new Map<string, Promise<JobSession | undefined>>();

  constructor(
    private readonly store: JobRepository,
    private readonly writer: JobWriter,
    private readonly sync: JobSync,
  ) {}

  /** A job that was just made; held once. */
  add(job: JobState): JobSession {
    const session = this.#register(job);
    session.hold();
    return session;
  }

  /** A job by its id, as it is now; held once more. */
  async open(id: string): Promise<JobSession | undefined> {
    const session = this.#session.get(id);
    return this.#hold(session ?? (await this.#load(id)), (held) => {
      this.sync.shareIfNew(held);
      return held === session ? this.renew(held) : this.#learnOfRun(held);
    });
  }

  /** As {@link open}, to be handed over or followed here: what was only told of it, and not stored, does not count. */
  async openToRun(id: string): Promise<JobSession | undefined> {
    const session = this.#session.get(id);
    return this.#hold(session ?? (await this.#load(id)), async (held) => {
      const job = held === session && (await this.store.find(id));
      if (job) held.become(job);
    });
  }

  /** A job that another process told of, to be handed over here: if it was moved on meanwhile, it can not be. It is not shared until it runs. */
  async openTold({ job, workflow }: StoredJob): Promise<JobSession | undefined> {
    if (this.#session.has(job.id)) return this.openToRun(job.id);
    const session = this.#keep(activate(job, workflow));
    session.hold();
    return session;
  }

  /** A job as it is here, where nobody else changes it. */
  running(id: string): JobState | undefined {
    const session = this.#session.get(id);
    return session && !this.#mayBeOld(session) ? session.job : undefined;
  }

  /** A job that somebody here has already. */
  peek(id: string): JobSession | undefined {
    return this.#session.get(id);
  }

  /** Those that callers or viewers hold. */
  held(): JobSession[] {
    return [...this.#session.values()].filter(({ isHeld }) => isHeld);
  }

  /** Learns how it is now. @throws ComfyUIError `storage_failed` */
  async renew(session: JobSession): Promise<void> {
    const job = this.#mayBeOld(session) && (await this.store.find(session.job.id));
    if (!job) return;
    session.see({ job });
    await this.#learnOfRun(session);
  }

  async #learnOfRun(session: JobSession): Promise<void> {
    if (this.#mayBeOld(session) && session.job.backend !== null) await this.sync.update(session);
  }

  #mayBeOld(session: JobSession): boolean {
    return this.sync.isNeeded && !session.isRunning;
  }

  async #hold(
    session: JobSession | undefined,
    learn: (session: JobSession) => Promise<void>,
  ): Promise<JobSession | undefined> {
    session?.hold();
    try {
      if (session && this.#mayBeOld(session)) await learn(session);
      return session;
    } catch (error) {
      session?.release();
      throw error;
    }
  }

  #load(id: string): Promise<JobSession | undefined> {
    const loading = this.#loading.get(id) ?? this.#make(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #make(id: string): Promise<JobSession | undefined> {
    const entry = await this.store.open(id);
    return this.#session.get(id) ?? (entry && this.#register(activate(entry.job, entry.workflow)));
  }

  #register(job: JobState): JobSession {
    const session = this.#keep(job);
    this.sync.share(session);
    return session;
  }

  #keep(job: JobState): JobSession {
    const session = new JobSession(job, this.#keeper);
    this.#session.set(job.id, session);
    return session;
  }
}
