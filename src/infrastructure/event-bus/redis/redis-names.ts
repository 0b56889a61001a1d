/**
 * Keys and channels in Redis. A channel belongs to no database, so the number of the database is part of every name: it keeps
 * two deployments on one Redis apart.
 */
export class RedisNames {
  readonly #prefix: string;
  readonly #events: string;

  constructor(database: number) {
    this.#prefix = `comfyui:${database}`;
    this.#events = `${this.#prefix}:events:`;
  }

  /** Channel of what concerns all processes. */
  get processes(): string {
    return `${this.#prefix}:processes`;
  }

  /** Channel of a job's events. */
  events(jobId: string): string {
    return `${this.#events}${jobId}`;
  }

  /** The job of a channel. */
  jobOf(channel: string): string | undefined {
    return channel.startsWith(this.#events) ? channel.slice(this.#events.length) : undefined;
  }

  /** Key of a job's last snapshot. */
  job(jobId: string): string {
    return `${this.#prefix}:job:${jobId}`;
  }

  /** Key of the preview of a job's last snapshot. */
  preview(jobId: string): string {
    return `${this.#prefix}:preview:${jobId}`;
  }
}
