import type { TransportOptions } from '../../src/options/transport.options';

/** Where a service and its callers meet in a test. */
export interface MeetingPlace {
  /** Where a service is to take messages; of a queue nobody else has. */
  address(): TransportOptions;
  /** Where nobody is. */
  nowhere(): TransportOptions;
  /** The transport itself tells at once that nobody is there, or that a service is gone. */
  readonly tellsAbsence: boolean;
  readonly tellsDeath: boolean;
  /** The transport refuses large messages. */
  readonly isNarrow?: boolean;
}
