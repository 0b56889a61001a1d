import { randomUUID } from 'node:crypto';
import type { Job as BullJob, Queue, Worker } from 'bullmq';
import type { BullLibraries } from './load-bullmq';
import type { PubSubMessage } from './offer-news';
import type { RedisConnection } from './redis-connection';

export interface TicketData {
  readonly requirementsKey: string;
}

export type TakenTicket = BullJob<TicketData>;

interface NewTicket {
  readonly jobId: string;
  readonly requirementsKey: string;
  readonly band: number;
}

const NAME = 'tickets';
const PREFIX = 'comfyui';
/** Of a ticket in hand; then whoever took it is thought to be no more. */
export const LOCK_MS = 5_000;
/** How often tickets are looked for whose lock is over, by whichever process comes first. */
export const STALLED_EVERY_MS = 2_000;
/** Tickets sent in one go: in between Redis serves others. */
const BULK = 200;

/** What BullMQ says of a ticket that is not ours any more. */
const GONE = { missing: -1, unlocked: -2, notTaken: -3, anothers: -6 } as const;

/** Our tickets as jobs of BullMQ. Everything here throws what the libraries throw. */
export class BullTickets {
  readonly #queue: Queue<TicketData>;
  readonly #worker: Worker<TicketData>;
  readonly #token = randomUUID();
  #taken = 0;

  constructor(
    private readonly libraries: BullLibraries,
    private readonly connection: RedisConnection,
  ) {
    const { bullmq } = libraries;
    const shared = { connection: connection.commands, prefix: PREFIX, skipVersionCheck: true };
    this.#queue = new bullmq.Queue(NAME, { ...shared, streams: { events: { maxLen: 100 } } });
    const rules = { autorun: false, lockDuration: LOCK_MS, stalledInterval: STALLED_EVERY_MS, maxStalledCount: 1e9 };
    // As its maker does, but without the connection that waits for jobs: ours are only ever asked for.
    this.#worker = new bullmq.Worker(NAME, null, { ...shared, ...rules }, (name, options) =>
      bullmq.createRedisBackend(name, options),
    );
    this.#queue.on('error', (error) => connection.tell(error));
    this.#worker.on('error', (error) => connection.tell(error));
  }

  async open(): Promise<void> {
    await Promise.all([this.#queue.waitUntilReady(), this.#worker.waitUntilReady()]);
  }

  /** The band of each ticket, undefined where there is none. */
  async bands(jobIds: readonly string[]): Promise<readonly (number | undefined)[]> {
    const reads = this.connection.commands.pipeline();
    for (const id of jobIds) reads.hget(this.#queue.toKey(id), 'priority');
    const answers = (await reads.exec()) ?? [];
    return answers.map(([error, band]) => {
      if (error) throw error;
      return band === null ? undefined : Number(band);
    });
  }

  /** Adds those that are missing, and tells of them right behind, in the same trip. */
  async add(tickets: readonly NewTicket[], news: PubSubMessage): Promise<void> {
    for (let from = 0; from < tickets.length; from += BULK) await this.#addBulk(tickets.slice(from, from + BULK), news);
  }

  async #addBulk(tickets: readonly NewTicket[], { channel, message }: PubSubMessage): Promise<void> {
    const backend = this.#queue.getBackend();
    const pipeline = (await backend.client).pipeline();
    for (const { jobId, requirementsKey, band } of tickets) {
      const options = { jobId, priority: band, attempts: 1, removeOnComplete: true, removeOnFail: true };
      const ticket = new this.libraries.bullmq.Job(this.#queue, 'run', { requirementsKey }, options, jobId);
      void backend.addJobToTransaction(pipeline, ticket.asJSON(), jobId);
    }
    pipeline.runCommand('publish', [channel, message]);
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
  }

  /** To the end of another band; one that is taken or delayed comes back to it. */
  async promote(jobId: string, band: number): Promise<void> {
    await this.#queue.getBackend().changePriority(jobId, band).catch(unless(GONE.missing));
  }

  async take(): Promise<TakenTicket | undefined> {
    this.#taken += 1;
    return this.#worker.getNextJob(`${this.#token}:${this.#taken}`, { block: false });
  }

  /** Also when its lock was lost meanwhile, if nobody else has taken it since. */
  async remove(jobId: string, taken?: TakenTicket): Promise<void> {
    if (!taken) return void (await this.#queue.remove(jobId));
    try {
      await taken.moveToCompleted('', taken.token ?? '', false);
    } catch (error) {
      unless(GONE.missing, GONE.unlocked, GONE.notTaken, GONE.anothers)(error);
      await this.#queue.remove(jobId);
    }
  }

  /** To its band's end, when the time has come. */
  async delay(taken: TakenTicket, until: number): Promise<void> {
    await taken.moveToDelayed(until, taken.token).catch(unless(...Object.values(GONE)));
  }

  /** To its band's front. */
  async giveBack(taken: TakenTicket): Promise<void> {
    await taken.moveToWait(taken.token).catch(unless(...Object.values(GONE)));
  }

  /** Puts those back whose lock is over. */
  async recover(): Promise<number> {
    return (await this.#worker.getBackend().moveStalledJobsToWait()).length;
  }

  async count(): Promise<number> {
    const counts = await this.#queue.getJobCounts('wait', 'prioritized', 'delayed', 'active');
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async close(): Promise<void> {
    await Promise.all([this.#worker.close(true), this.#queue.close()]);
  }
}

/** Passes errors with such codes over. */
function unless(...codes: readonly number[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes((error as { code?: number }).code ?? 0)) throw error;
  };
}
