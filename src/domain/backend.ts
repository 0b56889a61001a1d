/** A compute device of a ComfyUI server; memory in bytes, as ComfyUI's `/system_stats` tells it. */
export interface Device {
  readonly name: string;
  readonly type: string;
  readonly memoryTotal: number | null;
  readonly memoryFree: number | null;
}

/** What a ComfyUI server says of itself. */
export interface ServerStatus {
  readonly version?: string;
  /** Its prompts, whoever sent them. */
  readonly queue: { readonly running: number; readonly pending: number };
  readonly devices: readonly Device[];
  readonly roundTripMs: number;
}

/** `closed`: in use. `open`: it was at fault and is left alone. `half-open`: a probe is under way that decides. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** A ComfyUI server as a look at it showed, and as we use it. */
export interface BackendStatus extends Partial<ServerStatus> {
  /** Without credentials. */
  readonly url: string;
  readonly reachable: boolean;
  /** Why it is not reachable, in a sentence. */
  readonly reason?: string;
  readonly circuit: CircuitState;
  readonly labels: readonly string[];
  /** How much of the work it gets, relative to the others. */
  readonly weight: number;
  /** Prompts it runs at once. */
  readonly concurrency: number;
  /** Prompts of ours that it has now. */
  readonly handedOver: number;
}
