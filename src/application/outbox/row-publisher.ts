import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import type { GenerationRow } from '../../domain/generation-row';
import { oneLine } from '../../shared/text';
import type { ShutdownState } from '../maintenance/shutdown-state';
import { type GenerationTable, TableError } from './generation-table';
import type { Outbox, OutboxEntry } from './outbox';
import { growingPause } from './growing-pause';
import type { PublishedRows } from './published-rows';

/** For a row that is refused for itself. */
const REFUSED = { firstMs: 60_000, longestMs: 24 * 60 * 60_000 };
/** What has failed so often goes alone, not to hold up others: what looked like an outage may have been its fault. */
const ALONE_AFTER = 3;

interface Sending {
  readonly entry: OutboxEntry;
  readonly row: GenerationRow;
}

/** Sends rows that are due. One that is refused for itself is put off and holds up no other. */
export class RowPublisher {
  readonly #logger = new Logger(RowPublisher.name);

  constructor(
    private readonly outbox: Outbox,
    private readonly rows: PublishedRows,
    private readonly table: GenerationTable,
    private readonly shutdownState: ShutdownState,
  ) {}

  /**
   * @returns how many went out
   * @throws TableFault when the table is out of order, ComfyUIError `storage_failed` when the outbox is; all that did not go out
   * stays due
   */
  async send(limit: number): Promise<number> {
    const sendings = await this.#prepare(await this.outbox.due(Date.now(), limit));
    let sent = await this.#try(sendings.filter(({ entry }) => !goesAlone(entry)));
    for (const sending of sendings) if (goesAlone(sending.entry)) sent += await this.#try([sending]);
    return sent;
  }

  /** One after the other, because a workflow may have megabytes. */
  async #prepare(due: readonly OutboxEntry[]): Promise<Sending[]> {
    const sendings: Sending[] = [];
    for (const entry of due) {
      try {
        const row = await this.rows.of(entry.jobId, this.shutdownState.over);
        if (row) sendings.push({ entry, row });
        else await this.outbox.sent(entry);
      } catch (error) {
        await this.#putOff(entry, error);
      }
      await setImmediate();
    }
    return sendings;
  }

  async #try(sendings: readonly Sending[]): Promise<number> {
    if (sendings.length === 0) return 0;
    const rows = sendings.map(({ row }) => row);
    try {
      await this.table.upsert(rows, this.shutdownState.over);
    } catch (error) {
      return this.#tryParts(sendings, error);
    }
    for (const { entry } of sendings) await this.outbox.sent(entry);
    return sendings.length;
  }

  /** Halves what is refused until the rows to blame are found. */
  async #tryParts(sendings: readonly Sending[], error: unknown): Promise<number> {
    if (!(await this.#isRefused(sendings, error))) {
      if (!this.shutdownState.isOver) for (const { entry } of sendings) await this.outbox.postpone(entry, Date.now());
      throw error;
    }
    const [first, ...others] = sendings;
    if (first && others.length === 0) {
      await this.#putOff(first.entry, error);
      return 0;
    }
    const half = Math.ceil(sendings.length / 2);
    return (await this.#try(sendings.slice(0, half))) + (await this.#try(sendings.slice(half)));
  }

  /** Also what fails alone, again and again, while the table is in order. */
  async #isRefused([first]: readonly Sending[], error: unknown): Promise<boolean> {
    if (error instanceof TableError && error.blame === 'rows') return true;
    if (!first || !goesAlone(first.entry) || this.shutdownState.isOver) return false;
    return this.table.check(this.shutdownState.over).then(
      () => true,
      () => false,
    );
  }

  async #putOff(entry: OutboxEntry, error: unknown): Promise<void> {
    if (this.shutdownState.isOver) throw error;
    const pause = growingPause(entry.tries, REFUSED);
    await this.outbox.postpone(entry, Date.now() + pause);
    const minutes = Math.ceil(pause / 60_000);
    const { message } = toComfyUIError(error);
    this.#logger.warn(`Job ${entry.jobId} has no row yet, next try in ${minutes} min: ${oneLine(message)}`);
  }
}

function goesAlone({ tries }: OutboxEntry): boolean {
  return tries >= ALONE_AFTER;
}
