import { Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';
import type { AssetLinks } from '../assets/asset-links';
import type { ShutdownState } from '../maintenance/shutdown-state';
import { type GenerationTable, TableError } from './generation-table';
import type { ProcessRole } from '../execution/process-role';
import { sleep } from '../../shared/sleep';
import { growingPause } from './growing-pause';
import type { RowPublisher } from './row-publisher';

/** A look into an empty outbox reads one entry of an index. */
const INTERVAL_MS = 1_000;
const ROWS_AT_ONCE = 50;
/** While the table is out of order. */
const OUTAGE = { firstMs: 1_000, longestMs: 5 * 60_000 };

/** Brings ended jobs from the outbox into the table. Whatever happens there, it never concerns the jobs. */
export class OutboxRelay implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(OutboxRelay.name);
  /** In a row. */
  #failures = 0;
  #toldOf: string | undefined;

  constructor(
    private readonly sender: RowPublisher,
    private readonly table: GenerationTable,
    private readonly links: AssetLinks,
    private readonly role: ProcessRole,
    private readonly shutdownState: ShutdownState,
  ) {}

  /** @throws TableFault when somebody must put something right; a table that is only out of reach is waited for */
  async onModuleInit(): Promise<void> {
    if (!this.links.areWhole)
      this.#logger.warn('The URLs of files in the table will be paths only: set PUBLIC_URL to make them links');
    try {
      await this.table.check(this.shutdownState.over);
    } catch (error) {
      if (!(error instanceof TableError) || error.blame !== 'outage') throw error;
      this.#failed(error);
    }
  }

  onApplicationBootstrap(): void {
    void this.#work();
  }

  async #work(): Promise<void> {
    while (!this.shutdownState.isOver) {
      const pause = await this.#publish().catch((error: unknown) => this.#failed(error));
      await sleep(pause, this.shutdownState.over);
    }
  }

  /** @returns how long to wait until the next time, ms */
  async #publish(): Promise<number> {
    if (!this.role.isLeader) return INTERVAL_MS;
    const sent = await this.sender.send(ROWS_AT_ONCE);
    if (sent > 0) this.#worked();
    return sent < ROWS_AT_ONCE ? INTERVAL_MS : 0;
  }

  #worked(): void {
    if (this.#toldOf !== undefined) this.#logger.log('Rows of ended jobs go out again');
    this.#toldOf = undefined;
    this.#failures = 0;
  }

  /** Tells it when it begins. @returns how long to leave the table alone, ms */
  #failed(error: unknown): number {
    if (this.shutdownState.isOver) return 0;
    const { code, message, cause } = toComfyUIError(error);
    const kind = error instanceof TableError ? error.blame : code;
    if (this.#toldOf !== kind) {
      this.#logger.warn(`Rows of ended jobs wait in the outbox: ${oneLine(message)}`);
      if (code === 'internal_error') this.#logger.error(cause);
    }
    this.#toldOf = kind;
    this.#failures += 1;
    return growingPause(this.#failures - 1, OUTAGE);
  }
}
