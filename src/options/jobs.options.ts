import { NumberFromZero, PositiveNumber, Switch, WholeNumber } from './checks';
import { Setting } from './setting';

/** Limits of jobs, and how long they are kept. */
export class JobSettings {
  /** Seconds that `POST /generate` waits for the result when the request does not say. */
  @Setting('GENERATE_TIMEOUT_SECONDS', { flag: 'timeout' })
  @PositiveNumber('of seconds')
  generateTimeout: number = 300;

  /** Jobs that may wait; more are refused with `queue_full`. */
  @Setting('MAX_QUEUE')
  @WholeNumber(1)
  maxQueue: number = 10_000;

  /** Seconds that a job may wait for its start before it expires. */
  @Setting('QUEUE_TIMEOUT')
  @PositiveNumber('of seconds')
  queueTimeout: number = 86_400;

  /** Seconds that one run may take. */
  @Setting('RUN_TIMEOUT')
  @PositiveNumber('of seconds')
  runTimeout: number = 3_600;

  /** Attempts of a job before it fails for good: a server may crash, and the job continues on the next. */
  @Setting('MAX_ATTEMPTS')
  @WholeNumber(1)
  maxAttempts: number = 3;

  /** Seconds in which a shutdown still delivers results to open requests. */
  @Setting('SHUTDOWN_GRACE')
  @NumberFromZero('of seconds')
  shutdownGrace: number = 25;

  /**
   * Days that ended jobs and their files are kept. ComfyUI keeps its own copies of the files.
   * @defaultValue for ever
   */
  @Setting('RETENTION_DAYS')
  @PositiveNumber('of days')
  retentionDays?: number;

  /** Removes the prompts of ended jobs from the history of ComfyUI, which other clients may read. */
  @Setting('COMFYUI_CLEAN_HISTORY')
  @Switch()
  cleanHistory: boolean = false;
}
