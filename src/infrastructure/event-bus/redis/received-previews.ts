import type { JobSnapshot } from '../../../application/jobs/job-event-bus';
import type { Preview } from '../../../domain/job/run-event';
import type { SnapshotMessage } from '../job-message.codec';

interface ReceivedPreview {
  readonly id: string;
  readonly preview: Preview;
}

/**
 * The last preview of each subscribed job: its bytes arrive once, and later snapshots carry only its id. The same preview is the
 * same object in all of them, so that it need not be shown again.
 */
export class ReceivedPreviews {
  readonly #last = new Map<string, ReceivedPreview>();

  constructor(private readonly isSubscribed: (jobId: string) => boolean) {}

  /** The snapshot of a message. The order of messages is certain: another preview replaces the last one. */
  ofMessage(message: SnapshotMessage, image: Buffer | undefined): JobSnapshot {
    const { job, preview } = message;
    if (this.#last.get(job.id)?.id !== preview?.id) this.#last.delete(job.id);
    return this.ofKey(message, image);
  }

  /** The snapshot under a key: a message may have brought a newer preview. */
  ofKey({ job, preview: header }: SnapshotMessage, image: Buffer | undefined): JobSnapshot {
    if (!header) return { job };
    const { id, mediaType, nodeId } = header;
    const last = this.#last.get(job.id);
    const preview = last?.id === id ? last.preview : image && { mediaType, nodeId, image };
    if (!preview) return { job };
    if (!last && this.isSubscribed(job.id)) this.#last.set(job.id, { id, preview });
    return { job, preview };
  }

  forget(jobId: string): void {
    this.#last.delete(jobId);
  }
}
