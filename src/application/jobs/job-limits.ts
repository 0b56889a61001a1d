/** What a job may take. Times in milliseconds. */
export class JobLimits {
  /** How many may wait. */
  readonly maxQueue: number;
  /** How long one may wait until it starts. */
  readonly queueTimeoutMs: number;
  /** How long an attempt may run, from ComfyUI's `execution_start`. */
  readonly runTimeoutMs: number;
  /** How often one may start. */
  readonly maxAttempts: number;
  /** How long callers that wait may have when the service shuts down. */
  readonly shutdownGraceMs: number;

  constructor(limits: JobLimits) {
    this.maxQueue = limits.maxQueue;
    this.queueTimeoutMs = limits.queueTimeoutMs;
    this.runTimeoutMs = limits.runTimeoutMs;
    this.maxAttempts = limits.maxAttempts;
    this.shutdownGraceMs = limits.shutdownGraceMs;
  }
}
