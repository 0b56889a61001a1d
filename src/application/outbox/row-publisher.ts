import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import type { GenerationRow } from '../../domain/generation-row';
import type { OutboxTiming } from '../../options/timing';
import { backoff } from '../../shared/backoff';
import { oneLine } from '../../shared/text';
import type { GenerationRows } from './generation-rows';
import type { GenerationTable } from './generation-table';
import { DeliveryError, OutboxConsumer } from './outbox-consumer';
import type { OutboxEntry, OutboxRepository } from './outbox-repository';

/** An entry that failed so often is sent alone: what looked like an outage may be caused by it. */
const ALONE_AFTER = 3;

interface Delivery {
  readonly entry: OutboxEntry;
  readonly row: GenerationRow;
}

/** Publishes ended jobs as rows of a table. A row that is refused is postponed and delays no other. */
export class RowPublisher extends OutboxConsumer {
  readonly name = 'supabase';
  readonly #logger = new Logger(RowPublisher.name);

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly rows: GenerationRows,
    private readonly table: GenerationTable,
    private readonly timing: OutboxTiming,
  ) {
    super();
  }

  check(signal: AbortSignal): Promise<void> {
    if (!this.rows.urlsAreComplete)
      this.#logger.warn('The URLs of files in the table are paths only, because no public URL is set');
    return this.table.check(signal);
  }

  async deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<number> {
    const deliveries = await this.#prepare(entries, signal);
    let delivered = await this.#send(
      deliveries.filter(({ entry }) => !goesAlone(entry)),
      signal,
    );
    for (const delivery of deliveries) if (goesAlone(delivery.entry)) delivered += await this.#send([delivery], signal);
    return delivered;
  }

  /** One after the other: a workflow may have megabytes. */
  async #prepare(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    for (const entry of entries) {
      try {
        const row = await this.rows.rowOf(entry.jobId, signal);
        if (row) deliveries.push({ entry, row });
        else await this.outbox.delivered(entry);
      } catch (error) {
        signal.throwIfAborted();
        await this.#postpone(entry, error);
      }
      await setImmediate();
    }
    return deliveries;
  }

  async #send(deliveries: readonly Delivery[], signal: AbortSignal): Promise<number> {
    if (deliveries.length === 0) return 0;
    const rows = deliveries.map(({ row }) => row);
    try {
      await this.table.upsert(rows, signal);
    } catch (error) {
      return this.#sendParts(deliveries, error, signal);
    }
    for (const { entry } of deliveries) await this.outbox.delivered(entry);
    return deliveries.length;
  }

  /** Halves what is refused until the rows that cause it are found. */
  async #sendParts(deliveries: readonly Delivery[], error: unknown, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (!(await this.#isRefused(deliveries, error, signal))) {
      for (const { entry } of deliveries) await this.outbox.postpone(entry, Date.now());
      throw error;
    }
    const [first, ...others] = deliveries;
    if (first && others.length === 0) {
      await this.#postpone(first.entry, error);
      return 0;
    }
    const half = Math.ceil(deliveries.length / 2);
    return (await this.#send(deliveries.slice(0, half), signal)) + (await this.#send(deliveries.slice(half), signal));
  }

  /** Also a row that fails alone, again and again, while the table works. */
  async #isRefused([first]: readonly Delivery[], error: unknown, signal: AbortSignal): Promise<boolean> {
    if (error instanceof DeliveryError && error.failure === 'entry') return true;
    if (!first || !goesAlone(first.entry)) return false;
    return this.table.check(signal).then(
      () => true,
      () => false,
    );
  }

  async #postpone(entry: OutboxEntry, error: unknown): Promise<void> {
    const pause = backoff(entry.attempts, this.timing.refusal);
    await this.outbox.postpone(entry, Date.now() + pause);
    const minutes = Math.ceil(pause / 60_000);
    const { message } = toComfyUIError(error);
    this.#logger.warn(`Job ${entry.jobId} has no row yet, next attempt in ${minutes} min: ${oneLine(message)}`);
  }
}

function goesAlone({ attempts }: OutboxEntry): boolean {
  return attempts >= ALONE_AFTER;
}
