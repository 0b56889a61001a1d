import { Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../domain/text';
import type { AssetLinks } from '../assets/asset-links';
import type { Draining } from '../draining';
import { type GenerationTable, TableFault } from '../ports/generation-table';
import type { ProcessRole } from '../process-role';
import { sleep } from '../sleep';
import { growingPause } from './growing-pause';
import type { RowSender } from './row-sender';

/** A look into an empty outbox reads one entry of an index. */
const INTERVAL_MS = 1_000;
const ROWS_AT_ONCE = 50;
/** While the table is out of order. */
const OUTAGE = { firstMs: 1_000, longestMs: 5 * 60_000 };

/** Brings ended jobs from the outbox into the table. Whatever happens there, it never concerns the jobs. */
export class Publication implements OnModuleInit, OnApplicationBootstrap {
  readonly #logger = new Logger(Publication.name);
  /** In a row. */
  #failures = 0;
  #toldOf: string | undefined;

  constructor(
    private readonly sender: RowSender,
    private readonly table: GenerationTable,
    private readonly links: AssetLinks,
    private readonly role: ProcessRole,
    private readonly draining: Draining,
  ) {}

  /** @throws TableFault when somebody must put something right; a table that is only out of reach is waited for */
  async onModuleInit(): Promise<void> {
    if (!this.links.areWhole)
      this.#logger.warn('The URLs of files in the table will be paths only: set PUBLIC_URL to make them links');
    try {
      await this.table.check(this.draining.over);
    } catch (error) {
      if (!(error instanceof TableFault) || error.blame !== 'outage') throw error;
      this.#failed(error);
    }
  }

  onApplicationBootstrap(): void {
    void this.#work();
  }

  async #work(): Promise<void> {
    while (!this.draining.isOver) {
      const pause = await this.#publish().catch((error: unknown) => this.#failed(error));
      await sleep(pause, this.draining.over);
    }
  }

  /** @returns how long to wait until the next time, ms */
  async #publish(): Promise<number> {
    if (!this.role.isChief) return INTERVAL_MS;
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
    if (this.draining.isOver) return 0;
    const { code, message, cause } = toComfyUIError(error);
    const kind = error instanceof TableFault ? error.blame : code;
    if (this.#toldOf !== kind) {
      this.#logger.warn(`Rows of ended jobs wait in the outbox: ${oneLine(message)}`);
      if (code === 'internal_error') this.#logger.error(cause);
    }
    this.#toldOf = kind;
    this.#failures += 1;
    return growingPause(this.#failures - 1, OUTAGE);
  }
}
