import { Injectable } from '@nestjs/common';
import { activate, type ActiveJob } from '../domain/job/active-job';
import { JobRecorder } from './job-recorder';
import { type Keeper, LiveJob } from './live-job';
import { JobStore } from './ports/job-store';

/** The jobs that somebody in this process holds or runs: each once, so that all see the same. */
@Injectable()
export class LiveJobs {
  readonly #live = new Map<string, LiveJob>();
  readonly #keeper: Keeper = {
    stored: (live) => this.recorder.stored(live),
    forget: (live) => {
      if (this.#live.get(live.job.id) === live) this.#live.delete(live.job.id);
    },
  };
  readonly #loading = new Map<string, Promise<LiveJob | undefined>>();

  constructor(
    private readonly store: JobStore,
    private readonly recorder: JobRecorder,
  ) {}

  /** A job that was just made; held once. */
  add(job: ActiveJob): LiveJob {
    const live = this.#register(job);
    live.hold();
    return live;
  }

  /** A job by its id, from the store when nobody here has it; held once more. */
  async open(id: string): Promise<LiveJob | undefined> {
    const live = this.#live.get(id) ?? (await this.#load(id));
    live?.hold();
    return live;
  }

  /** A job that somebody here has already. */
  peek(id: string): LiveJob | undefined {
    return this.#live.get(id);
  }

  /** Those that callers or viewers hold. */
  held(): LiveJob[] {
    return [...this.#live.values()].filter(({ isHeld }) => isHeld);
  }

  #load(id: string): Promise<LiveJob | undefined> {
    const loading = this.#loading.get(id) ?? this.#read(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #read(id: string): Promise<LiveJob | undefined> {
    const job = await this.store.find(id);
    const workflow = job && (await this.store.workflow(id));
    return this.#live.get(id) ?? (workflow && this.#register(activate(job, workflow)));
  }

  #register(job: ActiveJob): LiveJob {
    const live = new LiveJob(job, this.#keeper);
    this.#live.set(job.id, live);
    return live;
  }
}
