import { ComfyUIError } from '../../domain/errors';
import type { OutboxEntry } from './outbox-repository';

/** `outage`: it may work later. `setup`: the operator must correct something. `entry`: an entry may be the reason, not the consumer. */
export type DeliveryFailure = 'outage' | 'setup' | 'entry';

/** A delivery failed. The message names the setting to check. */
export class DeliveryError extends ComfyUIError {
  constructor(
    message: string,
    readonly failure: DeliveryFailure,
    cause?: unknown,
  ) {
    super('storage_failed', message, { cause });
  }
}

/** What the outbox delivers to: rows in a table are the first kind. */
export abstract class OutboxConsumer {
  /** Names its entries in the outbox. */
  abstract readonly name: string;

  /** Tests the delivery at start, and leaves nothing behind. @throws DeliveryError */
  abstract check(signal: AbortSignal): Promise<void>;

  /**
   * Delivers entries, and marks each in the outbox as delivered or postponed.
   * @returns how many are delivered
   * @throws DeliveryError when the consumer is unreachable or not set up; all that is not delivered stays due
   */
  abstract deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<number>;
}
