export interface NodeProgress {
  value: number;
  max: number;
  state: 'running' | 'finished';
}

/** The `progress_state` of one run: every node that started, cumulatively. */
export class ProgressStates {
  readonly #nodes = new Map<string, NodeProgress>();

  constructor(private readonly promptId: string) {}

  start(nodeId: string): void {
    this.#nodes.set(nodeId, { value: 0, max: 1, state: 'running' });
  }

  update(nodeId: string, value: number, max: number): void {
    this.#nodes.set(nodeId, { value, max, state: 'running' });
  }

  finish(nodeId: string): void {
    const max = this.#nodes.get(nodeId)?.max ?? 1;
    this.#nodes.set(nodeId, { value: max, max, state: 'finished' });
  }

  /** The message's data. */
  snapshot(): Record<string, unknown> {
    const nodes: Record<string, unknown> = {};
    for (const [id, { value, max, state }] of this.#nodes) {
      nodes[id] = {
        value,
        max,
        state,
        node_id: id,
        prompt_id: this.promptId,
        display_node_id: id,
        parent_node_id: null,
        real_node_id: id,
      };
    }
    return { prompt_id: this.promptId, nodes };
  }
}
