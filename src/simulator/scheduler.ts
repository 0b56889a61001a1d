import { PythonError } from './python-values';
import { isLink, Prompt } from './wire';

/** The part of a run that the scheduler uses. */
export interface ScheduleView {
  prompt: Prompt;
  isOutputNode(nodeId: string): boolean;
  isCached(nodeId: string): boolean;
}

/**
 * Decides which node runs next, in ComfyUI's order: of the nodes whose inputs are ready, an output node, else the
 * parent of one, else the grandparent of one, else the one found first. Nodes are found depth-first from the outputs,
 * the last declared input first.
 */
export class Scheduler {
  readonly #pending = new Set<string>();
  readonly #blockers = new Map<string, number>();
  readonly #blocks = new Map<string, Set<string>>();

  constructor(private readonly view: ScheduleView) {}

  /** Adds a node and its uncached ancestors. Throws if a link leads to a missing node. */
  add(nodeId: string): void {
    const found = [nodeId];
    const links: [from: string, to: string][] = [];
    for (let id = found.pop(); id !== undefined; id = found.pop()) {
      if (this.#pending.has(id)) continue;
      this.#pending.add(id);
      this.#blockers.set(id, 0);
      this.#blocks.set(id, new Set());
      for (const value of Object.values(this.#node(id).inputs)) {
        if (!isLink(value) || this.view.isCached(value[0])) continue;
        found.push(value[0]);
        links.push([value[0], id]);
      }
    }
    for (const [from, to] of links) this.#link(from, to);
  }

  get done(): boolean {
    return this.#pending.size === 0;
  }

  /** The next node; undefined if the remaining nodes wait for each other. */
  next(): string | undefined {
    const ready = [...this.#pending].filter((id) => this.#blockers.get(id) === 0);
    const isOutput = (id: string): boolean => this.view.isOutputNode(id);
    const blocked = (id: string): string[] => [...(this.#blocks.get(id) ?? [])];
    return (
      ready.find(isOutput) ??
      ready.find((id) => blocked(id).some(isOutput)) ??
      ready.find((id) => blocked(id).some((child) => blocked(child).some(isOutput))) ??
      ready[0]
    );
  }

  complete(nodeId: string): void {
    this.#pending.delete(nodeId);
    for (const id of this.#blocks.get(nodeId) ?? []) this.#blockers.set(id, (this.#blockers.get(id) ?? 1) - 1);
    this.#blocks.delete(nodeId);
  }

  /** The nodes that are part of a cycle or wait for one. */
  get stuck(): string[] {
    return [...this.#pending];
  }

  #node(id: string): Prompt[string] {
    const node = Object.hasOwn(this.view.prompt, id) ? this.view.prompt[id] : undefined;
    if (node === undefined) throw new PythonError('comfy_execution.graph.NodeNotFoundError', `Node ${id} not found`);
    return node;
  }

  #link(from: string, to: string): void {
    const blocks = this.#blocks.get(from);
    if (blocks === undefined || blocks.has(to)) return;
    blocks.add(to);
    this.#blockers.set(to, (this.#blockers.get(to) ?? 0) + 1);
  }
}
