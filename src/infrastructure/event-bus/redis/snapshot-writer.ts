import { randomUUID } from 'node:crypto';
import type { JobSnapshot } from '../../../application/jobs/job-event-bus';
import { hasEnded } from '../../../domain/job/job';
import type { Preview } from '../../../domain/job/run-event';
import { encodeMessage, joinBytes } from '../job-message.codec';
import type { RedisConnection } from './redis-connection';
import type { RedisNames } from './redis-names';

/** Time to live of a snapshot in Redis, ms. */
export const KEPT_MS = { running: 60_000, ended: 15_000 };
/** Of a larger one, subscribers receive only that the job changed. */
const LARGEST_BYTES = 4 * 1024 * 1024;

/** What Redis and the subscribers have of a job. */
export interface SentSnapshot {
  readonly line: string;
  readonly previewId: string | undefined;
  readonly at: number;
}

/** Writes a snapshot to its keys and to its channel, the bytes of a preview only once. */
export class SnapshotWriter {
  readonly #previewIds = new WeakMap<Preview, string>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly names: RedisNames,
  ) {}

  lineOf(snapshot: JobSnapshot): string {
    const { job } = snapshot;
    const preview = previewOf(snapshot);
    if (!preview) return encodeMessage({ kind: 'snapshot', job });
    const { mediaType, nodeId } = preview;
    return encodeMessage({ kind: 'snapshot', job, preview: { id: this.#idOf(preview), mediaType, nodeId } });
  }

  /**
   * @param last what was sent before, if Redis still has it
   * @returns undefined when Redis has no complete snapshot after this
   * @throws what ioredis throws
   */
  async write(snapshot: JobSnapshot, line: string, last?: SentSnapshot): Promise<SentSnapshot | undefined> {
    const { id } = snapshot.job;
    const preview = previewOf(snapshot);
    const isTooLarge = line.length + (preview?.image.length ?? 0) > LARGEST_BYTES;
    const pipeline = isTooLarge ? this.#changed(id) : this.#snapshot(snapshot, line, last);
    const replies = await pipeline.exec();
    const failed = replies?.find(([error]) => error !== null);
    if (!replies || failed) throw failed?.[0] ?? new Error('The connection is closed.');
    // A preview that has expired is written again with the next snapshot.
    const isExpired = replies[0]?.[1] === 0;
    if (isTooLarge || isExpired) return undefined;
    return { line, previewId: preview && this.#idOf(preview), at: Date.now() };
  }

  /** The keys have an older snapshot, which nothing must read any more. */
  #changed(id: string) {
    const pipeline = this.connection.commands.pipeline();
    pipeline.del(this.names.job(id), this.names.preview(id));
    return pipeline.publish(this.names.events(id), encodeMessage({ kind: 'changed' }));
  }

  #snapshot(snapshot: JobSnapshot, line: string, last: SentSnapshot | undefined) {
    const { id } = snapshot.job;
    const keptMs = hasEnded(snapshot.job) ? KEPT_MS.ended : KEPT_MS.running;
    const preview = previewOf(snapshot);
    const previewId = preview && this.#idOf(preview);
    const isNew = previewId !== last?.previewId;
    const pipeline = this.connection.commands.pipeline();
    // The preview is written first: a reader of the line in between would miss it.
    if (preview && previewId && isNew)
      pipeline.set(this.names.preview(id), joinBytes(previewId, preview.image), 'PX', keptMs);
    else if (preview) pipeline.pexpire(this.names.preview(id), keptMs);
    else if (last?.previewId) pipeline.del(this.names.preview(id));
    pipeline.set(this.names.job(id), line, 'PX', keptMs);
    return pipeline.publish(this.names.events(id), preview && isNew ? joinBytes(line, preview.image) : line);
  }

  #idOf(preview: Preview): string {
    const id = this.#previewIds.get(preview) ?? randomUUID();
    this.#previewIds.set(preview, id);
    return id;
  }
}

/** No node of an ended job is running. */
function previewOf({ job, preview }: JobSnapshot): Preview | undefined {
  return hasEnded(job) ? undefined : preview;
}
