import { Injectable } from '@nestjs/common';
import { activate, type ActiveJob } from '../domain/job/active-job';
import { JobRecorder } from './job-recorder';
import { JobSharing } from './job-sharing';
import { type Keeper, LiveJob } from './live-job';
import { JobStore, type StoredJob } from './ports/job-store';

/** The jobs that somebody in this process holds or runs: each once, so that all see the same. */
@Injectable()
export class LiveJobs {
  readonly #live = new Map<string, LiveJob>();
  readonly #keeper: Keeper = {
    stored: (live) => this.recorder.stored(live),
    share: (live) => this.sharing.share(live),
    collected: (live, file) => this.sharing.foretell(live, file),
    forget: (live) => {
      this.sharing.forget(live);
      if (this.#live.get(live.job.id) === live) this.#live.delete(live.job.id);
    },
  };
  readonly #loading = new Map<string, Promise<LiveJob | undefined>>();

  constructor(
    private readonly store: JobStore,
    private readonly recorder: JobRecorder,
    private readonly sharing: JobSharing,
  ) {}

  /** A job that was just made; held once. */
  add(job: ActiveJob): LiveJob {
    const live = this.#register(job);
    live.hold();
    return live;
  }

  /** A job by its id, as it is now; held once more. */
  async open(id: string): Promise<LiveJob | undefined> {
    const live = this.#live.get(id);
    return this.#hold(live ?? (await this.#load(id)), (held) => {
      this.sharing.shareIfNew(held);
      return held === live ? this.renew(held) : this.#learnOfRun(held);
    });
  }

  /** As {@link open}, to be handed over or followed here: what was only told of it, and not stored, does not count. */
  async openToRun(id: string): Promise<LiveJob | undefined> {
    const live = this.#live.get(id);
    return this.#hold(live ?? (await this.#load(id)), async (held) => {
      const job = held === live && (await this.store.find(id));
      if (job) held.become(job);
    });
  }

  /** A job that another process told of, to be handed over here: if it was moved on meanwhile, it can not be. It is not shared until it runs. */
  async openTold({ job, workflow }: StoredJob): Promise<LiveJob | undefined> {
    if (this.#live.has(job.id)) return this.openToRun(job.id);
    const live = this.#keep(activate(job, workflow));
    live.hold();
    return live;
  }

  /** A job as it is here, where nobody else changes it. */
  running(id: string): ActiveJob | undefined {
    const live = this.#live.get(id);
    return live && !this.#mayBeOld(live) ? live.job : undefined;
  }

  /** A job that somebody here has already. */
  peek(id: string): LiveJob | undefined {
    return this.#live.get(id);
  }

  /** Those that callers or viewers hold. */
  held(): LiveJob[] {
    return [...this.#live.values()].filter(({ isHeld }) => isHeld);
  }

  /** Learns how it is now. @throws ComfyUIError `storage_failed` */
  async renew(live: LiveJob): Promise<void> {
    const job = this.#mayBeOld(live) && (await this.store.find(live.job.id));
    if (!job) return;
    live.see({ job });
    await this.#learnOfRun(live);
  }

  async #learnOfRun(live: LiveJob): Promise<void> {
    if (this.#mayBeOld(live) && live.job.backend !== null) await this.sharing.update(live);
  }

  #mayBeOld(live: LiveJob): boolean {
    return this.sharing.isNeeded && !live.isRunning;
  }

  async #hold(live: LiveJob | undefined, learn: (live: LiveJob) => Promise<void>): Promise<LiveJob | undefined> {
    live?.hold();
    try {
      if (live && this.#mayBeOld(live)) await learn(live);
      return live;
    } catch (error) {
      live?.release();
      throw error;
    }
  }

  #load(id: string): Promise<LiveJob | undefined> {
    const loading = this.#loading.get(id) ?? this.#make(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #make(id: string): Promise<LiveJob | undefined> {
    const entry = await this.store.open(id);
    return this.#live.get(id) ?? (entry && this.#register(activate(entry.job, entry.workflow)));
  }

  #register(job: ActiveJob): LiveJob {
    const live = this.#keep(job);
    this.sharing.share(live);
    return live;
  }

  #keep(job: ActiveJob): LiveJob {
    const live = new LiveJob(job, this.#keeper);
    this.#live.set(job.id, live);
    return live;
  }
}
