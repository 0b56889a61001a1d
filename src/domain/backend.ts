/** A compute device of a ComfyUI server; memory in bytes, as ComfyUI's `/system_stats` tells it. */
export interface Device {
  readonly name: string;
  readonly type: string;
  readonly memoryTotal: number | null;
  readonly memoryFree: number | null;
}

/** What a look at one ComfyUI server showed. */
export interface BackendStatus {
  /** Without credentials. */
  readonly url: string;
  readonly reachable: boolean;
  /** Why it is not reachable, in a sentence. */
  readonly reason?: string;
  readonly version?: string;
  readonly queue?: { readonly running: number; readonly pending: number };
  readonly devices?: readonly Device[];
  readonly roundTripMs?: number;
}
