import { Inject, Injectable, Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import type { Condition } from '../../shared/condition';
import { sleep } from '../../shared/sleep';
import { oneLine } from '../../shared/text';
import { BackendPool } from '../backends/backend-pool';
import { ShutdownState } from './shutdown-state';

/** A task that repeats until the shutdown, one run after the other. */
export interface PeriodicTask {
  /** Log message of a failed run; logged once until a run succeeds. */
  readonly failure: string;
  /** Pause between two runs, ms. */
  readonly interval: number;
  /** Of several processes only one runs it at a time: the leader. */
  readonly leaderOnly?: boolean;
  /** Ends a pause early. A notification during a run is not lost: the next run follows at once. */
  readonly wakeUp?: Condition;
  /** @returns the pause until the next run where it differs from the interval, ms */
  run(signal: AbortSignal): Promise<number | void>;
}

/** Of several processes one is the leader at a time. */
export interface Leadership {
  readonly isLeader: boolean;
}

/** Repeats tasks at intervals until the shutdown. */
@Injectable()
export class PeriodicTasks {
  readonly #logger = new Logger(PeriodicTasks.name);

  constructor(
    private readonly shutdown: ShutdownState,
    @Inject(BackendPool) private readonly leadership: Leadership,
  ) {}

  /** Aborts when tasks end. */
  get signal(): AbortSignal {
    return this.shutdown.over;
  }

  start(task: PeriodicTask): void {
    void this.#repeat(task);
  }

  async #repeat(task: PeriodicTask): Promise<void> {
    let isFailing = false;
    while (!this.signal.aborted) {
      const wokenUp = task.wakeUp?.wait(task.interval, this.signal);
      const pause = await this.#run(task).then(
        (ms) => {
          isFailing = false;
          return ms;
        },
        (error: unknown) => {
          if (!isFailing && !this.signal.aborted)
            this.#logger.error(`${task.failure}: ${oneLine(toComfyUIError(error).message)}`);
          isFailing = true;
        },
      );
      await (wokenUp ?? sleep(pause ?? task.interval, this.signal));
    }
  }

  async #run(task: PeriodicTask): Promise<number | void> {
    return task.leaderOnly && !this.leadership.isLeader ? undefined : task.run(this.signal);
  }
}
