import type { GenerationRow } from '../../domain/generation-row';

/**
 * A table outside with a row for each ended job. After a failed call it is unknown whether rows were written. An aborted call
 * rejects with the signal's reason.
 */
export abstract class GenerationTable {
  /** Tests whether rows can be written, and leaves none behind. @throws DeliveryError */
  abstract check(signal: AbortSignal): Promise<void>;

  /** Writes rows of different jobs, over existing rows of these jobs; all or none. @throws DeliveryError */
  abstract upsert(rows: readonly GenerationRow[], signal: AbortSignal): Promise<void>;
}
