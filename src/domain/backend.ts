/**
 * A compute device of a ComfyUI server, from `GET /system_stats`; memory in bytes.
 *
 * @publicApi
 */
export interface Device {
  readonly name: string;
  readonly type: string;
  readonly memoryTotal: number | null;
  readonly memoryFree: number | null;
}

/**
 * The status that a ComfyUI server reports.
 *
 * @publicApi
 */
export interface ServerStatus {
  readonly version?: string;
  /** All prompts on the server, including those of other clients. */
  readonly queue: { readonly running: number; readonly pending: number };
  readonly devices: readonly Device[];
  readonly roundTripMs: number;
}

/**
 * `closed`: in use. `open`: not used after a failure. `half-open`: a probe is running and decides.
 *
 * @publicApi
 */
export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * The last known status of a ComfyUI server and its settings in the pool.
 *
 * @publicApi
 */
export interface BackendStatus extends Partial<ServerStatus> {
  /** Without credentials. */
  readonly url: string;
  readonly reachable: boolean;
  /** The reason why it is not reachable, a sentence. */
  readonly reason?: string;
  readonly circuit: CircuitState;
  readonly labels: readonly string[];
  /** Its share of the jobs, relative to the other backends. */
  readonly weight: number;
  /** The number of prompts that it runs at once. */
  readonly concurrency: number;
  /** The number of prompts that this product has submitted and that have not ended. */
  readonly handedOver: number;
}
