import type { TransportOptions } from '../options/transport.options';

/** Where the service is, and how long it may be silent. */
export interface ComfyUIClientOptions extends TransportOptions {
  /**
   * Seconds without a word from the service after which a call is given up with `service_unreachable`; default 40. It tells
   * of a job that goes on every second, and answers the rest within those it gives ComfyUI.
   */
  readonly silence?: number;
}

/** Known when the module is declared, even with `registerAsync`. */
export interface ComfyUIClientModuleExtras {
  /** Makes the client visible everywhere; default false. */
  isGlobal?: boolean;
}

export const DEFAULT_SILENCE_SECONDS = 40;
