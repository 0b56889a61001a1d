import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Condition } from '../../../shared/condition';
import type { JobSnapshot } from '../../../application/jobs/job-event-bus';
import { type CollectedFile, hasEnded } from '../../../domain/job/job';
import type { Preview } from '../../../domain/job/run-event';
import { previewOf, withBytes, writeNote } from './job-frame';
import { writeForetold } from '../../job-message.codec';
import { isRefusal, type RedisLink } from './redis-link';
import type { RedisNames } from './redis-names';

/** How long Redis keeps what was told of a job, ms. */
const KEPT_MS = { running: 60_000, ended: 15_000 };
/** What says nothing new is told again only to be kept longer, ms. */
const REPEAT_MS = 20_000;
/** Jobs that are on their way at once: with their pictures they fill a socket's buffer. */
const AT_ONCE = 32;
/** Jobs that wait to be told of, while Redis is slow or away; beyond that the oldest is left out. */
const MOST_WAITING = 1_000;
/** Larger ones are left to the store. */
const LARGEST_BYTES = 4 * 1024 * 1024;

/** What others know of a job from us. */
interface Sent {
  readonly line: string;
  readonly pictureId: string | undefined;
  readonly at: number;
}

/** Tells Redis how jobs are: of each the latest, and one after the other, so that a slow Redis gets few. */
export class Publisher {
  readonly #waiting = new Map<string, JobSnapshot>();
  readonly #underWay = new Set<string>();
  readonly #sent = new LRUCache<string, Sent>({ max: MOST_WAITING, ttl: KEPT_MS.running });
  readonly #pictureIds = new WeakMap<Preview, string>();
  readonly #idle = new Condition();

  constructor(
    private readonly link: RedisLink,
    private readonly names: RedisNames,
  ) {}

  tell(snapshot: JobSnapshot): void {
    this.#waiting.set(snapshot.job.id, snapshot);
    const [oldest = ''] = this.#waiting.keys();
    if (this.#waiting.size > MOST_WAITING) this.#waiting.delete(oldest);
    this.sendWaiting();
  }

  /** At once, or not at all. */
  foretell(jobId: string, file: CollectedFile): void {
    if (!this.link.isUp) return;
    const sent = this.link.commands.publish(this.names.news(jobId), writeForetold(file));
    sent.catch((error: unknown) => this.link.complain(error));
  }

  /** To be called also when Redis is back. */
  sendWaiting(): void {
    if (!this.link.isUp) return;
    for (const [id, snapshot] of this.#waiting) {
      if (this.#underWay.size >= AT_ONCE) return;
      if (this.#underWay.has(id)) continue;
      this.#waiting.delete(id);
      void this.#send(snapshot);
    }
  }

  /** Redis may have lost what it was told. */
  forget(): void {
    this.#sent.clear();
  }

  /** Resolves when all is told that can be told now, or after `ms`. */
  async done(ms: number): Promise<void> {
    const deadline = Date.now() + ms;
    while (this.link.isUp && this.#underWay.size > 0 && Date.now() < deadline)
      await this.#idle.next(deadline - Date.now());
  }

  async #send(snapshot: JobSnapshot): Promise<void> {
    const { id } = snapshot.job;
    this.#underWay.add(id);
    const error = await this.#publish(snapshot).catch((reason: unknown) => reason);
    this.#underWay.delete(id);
    // After a failure not at once: a connection that is about to break would refuse again and again.
    if (error === undefined) this.sendWaiting();
    else this.#failed(snapshot, error);
    if (this.#underWay.size === 0) this.#idle.notifyAll();
  }

  #failed(snapshot: JobSnapshot, error: unknown): void {
    const { id } = snapshot.job;
    this.#sent.delete(id);
    this.link.complain(error);
    // It was lost with its connection: the next one takes it, unless there is a newer one.
    if (!isRefusal(error) && !this.#waiting.has(id)) this.#waiting.set(id, snapshot);
  }

  /** @returns what went wrong */
  async #publish(snapshot: JobSnapshot): Promise<unknown> {
    const { job } = snapshot;
    const preview = previewOf(snapshot);
    const pictureId = preview && this.#pictureId(preview);
    const line = writeNote({ job, picture: preview && pictureId ? { ...noteOf(preview), id: pictureId } : undefined });
    const last = this.#sent.get(job.id);
    if (last?.line === line && Date.now() - last.at < REPEAT_MS) return undefined;
    if (line.length + (preview?.image.length ?? 0) > LARGEST_BYTES) return undefined;

    const image = pictureId === last?.pictureId ? undefined : preview?.image;
    const replies = await this.#pipeline(job.id, { line, pictureId, image, last, isOver: hasEnded(job) }).exec();
    const failed = replies?.find(([error]) => error !== null);
    if (!replies || failed) return failed?.[0] ?? new Error('The connection was closed.');
    if (hasEnded(job) || isGone(replies)) this.#sent.delete(job.id);
    else this.#sent.set(job.id, { line, pictureId, at: Date.now() });
    return undefined;
  }

  #pipeline(id: string, { line, pictureId, image, last, isOver }: PubSubMessage) {
    const keptMs = isOver ? KEPT_MS.ended : KEPT_MS.running;
    const pipeline = this.link.commands.pipeline();
    // The picture comes first: who reads the line in between misses it otherwise.
    if (pictureId && image) pipeline.set(this.names.preview(id), withBytes(pictureId, image), 'PX', keptMs);
    else if (pictureId) pipeline.pexpire(this.names.preview(id), keptMs);
    else if (last?.pictureId) pipeline.del(this.names.preview(id));
    pipeline.set(this.names.job(id), line, 'PX', keptMs);
    return pipeline.publish(this.names.news(id), image ? withBytes(line, image) : line);
  }

  #pictureId(preview: Preview): string {
    const id = this.#pictureIds.get(preview) ?? randomUUID();
    this.#pictureIds.set(preview, id);
    return id;
  }
}

interface PubSubMessage {
  readonly line: string;
  readonly pictureId: string | undefined;
  /** Left out where others have it. */
  readonly image: Buffer | undefined;
  readonly last: Sent | undefined;
  readonly isOver: boolean;
}

function noteOf({ mediaType, nodeId }: Preview) {
  return { mediaType, nodeId };
}

/** A picture that was to be kept longer is not there any more: it goes with the next. */
function isGone(replies: readonly (readonly [unknown, unknown])[]): boolean {
  return replies[0]?.[1] === 0;
}
