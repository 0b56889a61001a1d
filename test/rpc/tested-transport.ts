import type { TransportOptions } from '../../src/options/transport.options';

/** A transport between a service and its callers, and what it can do. */
export interface TestedTransport {
  /** Address for a service; with a queue of its own. */
  address(): TransportOptions;
  /** Address without a service. */
  unusedAddress(): TransportOptions;
  /** Reports at once that no service is there, or that it is gone. */
  readonly reportsAbsence: boolean;
  /** Reports at once that a caller or service has crashed. */
  readonly reportsCrash: boolean;
  /** Refuses large messages. */
  readonly hasSizeLimit?: boolean;
}
