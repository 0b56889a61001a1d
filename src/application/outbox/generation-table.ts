import { ComfyUIError } from '../../domain/errors';
import type { GenerationRow } from '../../domain/generation-row';

/**
 * A table outside, with a row for each ended job. A call that fails changed nothing, or is not known to have. An aborted call
 * rejects with the signal's reason.
 */
export abstract class GenerationTable {
  /**
   * Tries whether rows can be written, and leaves none behind.
   * @throws TableFault
   */
  abstract check(signal: AbortSignal): Promise<void>;

  /**
   * Writes rows of different jobs, over those that these jobs have already; all or none.
   * @throws TableFault
   */
  abstract upsert(rows: readonly GenerationRow[], signal: AbortSignal): Promise<void>;
}

/** `outage`: it may work later. `setup`: somebody must put something right. `rows`: one of the rows may be to blame, not the table. */
export type TableBlame = 'outage' | 'setup' | 'rows';

/** The table did not do what it was asked for. Its sentence names the setting to look at. */
export class TableError extends ComfyUIError {
  constructor(
    message: string,
    readonly blame: TableBlame,
    cause?: unknown,
  ) {
    super('storage_failed', message, { cause });
  }
}
