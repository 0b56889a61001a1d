import type { TransportOptions } from '../options/transport.options';

/** The address of the service, and how long it may be silent. @publicApi */
export interface ComfyUIClientOptions extends TransportOptions {
  /**
   * Seconds without a message from the service until a call fails with `service_unreachable`; default 40. The service reports
   * the progress of a job every second, and responds to other calls within the time-outs of its requests to ComfyUI.
   */
  readonly silence?: number;
}

/** Known when the module is declared, with `registerAsync` too. @publicApi */
export interface ComfyUIClientModuleExtras {
  /** Makes the client visible everywhere; default false. */
  isGlobal?: boolean;
}

export const DEFAULT_SILENCE_SECONDS = 40;
