import { NodeCache } from './node-cache';
import { NodeUi, Prompt, QueueItem } from './wire';

/** Above this number ComfyUI drops the oldest entry. */
const MAXIMUM_ENTRIES = 10_000;

export interface HistoryStatus {
  status_str: 'success' | 'error';
  completed: boolean;
  messages: [type: string, data: Record<string, unknown>][];
}

export interface HistoryEntry {
  prompt: QueueItem;
  outputs: Record<string, NodeUi>;
  status: HistoryStatus;
  meta: Record<string, { node_id: string; display_node: string; parent_node: null; real_node_id: string }>;
}

/** The UI outputs of the prompt's nodes, including those that are cached from an earlier prompt. */
export function shownBy(prompt: Prompt, cache: NodeCache): Pick<HistoryEntry, 'outputs' | 'meta'> {
  const outputs: HistoryEntry['outputs'] = {};
  const meta: HistoryEntry['meta'] = {};
  for (const id of Object.keys(prompt)) {
    const shown = cache.get(id)?.shown;
    if (shown === undefined) continue;
    outputs[id] = shown.ui;
    meta[id] = { node_id: shown.nodeId, display_node: shown.nodeId, parent_node: null, real_node_id: shown.nodeId };
  }
  return { outputs, meta };
}

/** Finished prompts by id, oldest first. An id that runs again keeps its position. */
export class History {
  #entries = new Map<string, HistoryEntry>();
  readonly #hiddenUntil = new Map<string, number>();

  /** @param lag milliseconds before the entry becomes visible */
  add(promptId: string, entry: HistoryEntry, lag = 0): void {
    if (this.#entries.size > MAXIMUM_ENTRIES) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(promptId, entry);
    if (lag > 0) this.#hiddenUntil.set(promptId, Date.now() + lag);
  }

  get(promptId: string): Record<string, HistoryEntry> {
    const entry = this.#entries.get(promptId);
    return entry === undefined || this.#isHidden(promptId) ? {} : { [promptId]: entry };
  }

  /** `maxItems` without `offset` (below 0) selects the newest entries. */
  list(maxItems: number | undefined, offset: number): Record<string, HistoryEntry> {
    const entries = [...this.#entries].filter(([id]) => !this.#isHidden(id));
    const start = offset < 0 ? (maxItems === undefined ? 0 : entries.length - maxItems) : offset;
    const from = Math.max(0, start);
    // ComfyUI checks the limit after it adds an entry: a limit below 1 returns one entry, if the offset leaves any.
    const count = maxItems === undefined ? entries.length : Math.max(1, maxItems);
    return Object.fromEntries(entries.slice(from, from + count));
  }

  delete(promptId: string): void {
    this.#entries.delete(promptId);
  }

  clear(): void {
    this.#entries.clear();
  }

  #isHidden(promptId: string): boolean {
    const until = this.#hiddenUntil.get(promptId);
    if (until === undefined) return false;
    if (Date.now() < until) return true;
    this.#hiddenUntil.delete(promptId);
    return false;
  }
}
