import { Logger } from '@nestjs/common';
import type { JobSnapshot } from '../../../application/jobs/job-event-bus';
import type { CollectedFile } from '../../../domain/job/job';
import type { Preview } from '../../../domain/job/run-event';
import type { JobNote } from './job-frame';

export interface Subscriber {
  readonly hear: (snapshot: JobSnapshot) => void;
  readonly expect: (file: CollectedFile) => void;
}

/** A job that somebody here listens to. */
interface Listened {
  /** An object for each, so that the same function can listen twice. */
  readonly hearers: Set<Subscriber>;
  /** The last picture that came. */
  picture?: { readonly id: string; readonly preview: Preview };
}

/** Who listens to which job in this process. */
export class Subscriptions {
  readonly #logger = new Logger(Subscriptions.name);
  readonly #listened = new Map<string, Listened>();

  get jobIds(): string[] {
    return [...this.#listened.keys()];
  }

  /** @returns whether nobody listened to this job before, and how to stop: true when nobody listens any more */
  add(jobId: string, hearer: Subscriber): { isFirst: boolean; stop: () => boolean } {
    const isFirst = !this.#listened.has(jobId);
    const listened = this.#listened.get(jobId) ?? { hearers: new Set() };
    this.#listened.set(jobId, listened);
    listened.hearers.add(hearer);
    const stop = () => {
      const wasLast = listened.hearers.delete(hearer) && listened.hearers.size === 0;
      if (!wasLast) return false;
      listened.picture = undefined;
      this.#listened.delete(jobId);
      return true;
    };
    return { isFirst, stop };
  }

  /** Somebody told this of a job. */
  tell(jobId: string, snapshot: JobSnapshot): void {
    const listened = this.#listened.get(jobId);
    if (!listened) return;
    for (const { hear } of listened.hearers) {
      try {
        hear(snapshot);
      } catch (error) {
        this.#logger.error(`News of job ${jobId} were not taken.`, stackOf(error));
      }
    }
  }

  foretell(jobId: string, file: CollectedFile): void {
    for (const { expect } of this.#listened.get(jobId)?.hearers ?? []) expect(file);
  }

  /** What came by a message, with its picture: that comes once, and is the last until there is another one. */
  heard({ job, picture }: JobNote, image: Buffer | undefined): JobSnapshot {
    const listened = this.#listened.get(job.id);
    if (listened && listened.picture?.id !== picture?.id) listened.picture = undefined;
    return this.read({ job, picture }, image);
  }

  /** What was read, perhaps later than what came since. The same picture is the same object: who shows it need not show it again. */
  read({ job, picture }: JobNote, image: Buffer | undefined): JobSnapshot {
    const listened = this.#listened.get(job.id);
    if (!picture) return { job };
    const { id, mediaType, nodeId } = picture;
    const known = listened?.picture?.id === id ? listened.picture.preview : undefined;
    const preview = known ?? (image && { mediaType, nodeId, image });
    if (!preview) return { job };
    if (listened) listened.picture ??= { id, preview };
    return { job, preview };
  }
}

/** Of a fault of our own: the log needs to know where. */
export function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
