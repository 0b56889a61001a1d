/**
 * What things are called in Redis. Channels know no database numbers: the number is part of every name, so that two deployments
 * on one Redis are apart.
 */
export class RedisNames {
  readonly #prefix: string;
  readonly #news: string;

  constructor(database: number) {
    this.#prefix = `comfyui:${database}`;
    this.#news = `${this.#prefix}:news:`;
  }

  /** Channel of those who ask for cancelations. */
  get cancel(): string {
    return `${this.#prefix}:cancel`;
  }

  /** Channel of the news of a job. */
  news(jobId: string): string {
    return `${this.#news}${jobId}`;
  }

  /** Whose news come by a channel. */
  jobOf(channel: string): string | undefined {
    return channel.startsWith(this.#news) ? channel.slice(this.#news.length) : undefined;
  }

  /** Key of the last that was told of a job. */
  job(jobId: string): string {
    return `${this.#prefix}:job:${jobId}`;
  }

  /** Key of its last preview. */
  preview(jobId: string): string {
    return `${this.#prefix}:preview:${jobId}`;
  }
}
