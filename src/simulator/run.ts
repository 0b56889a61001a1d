import { Faults } from './faults';
import { HistoryEntry, HistoryStatus, shownBy } from './history';
import { NodeCache } from './node-cache';
import { describeFailure, Interrupted } from './node-failure';
import { NodeRun, NodeServices } from './node-run';
import { findNode } from './nodes/catalogue';
import { NodeResult } from './nodes/definition';
import { ProgressStates } from './progress-states';
import { PythonError } from './python-values';
import { RunMessages } from './run-messages';
import { Scheduler } from './scheduler';
import { NodeUi, QueueItem } from './wire';

export type RunOutcome = Pick<HistoryEntry, 'outputs' | 'meta' | 'status'>;

export interface RunTools extends NodeServices {
  cache: NodeCache;
  faults: Faults;
}

/** The run of a prompt on the worker: its nodes, and its messages in ComfyUI's order. */
export class Run {
  /** The node that is sent to a client that reconnects now; undefined between nodes and after the run. */
  currentNode: string | undefined;
  readonly #states: ProgressStates;
  readonly #executed = new Set<string>();
  #interrupted = false;
  #onInterrupt: () => void = () => undefined;
  readonly #interruption = new Promise<void>((resolve) => (this.#onInterrupt = resolve));

  constructor(
    private readonly item: QueueItem,
    private readonly messages: RunMessages,
    private readonly tools: RunTools,
  ) {
    this.#states = new ProgressStates(item[1]);
  }

  /** Interrupts at the next checkpoint: before a node, or at a step of a progress bar. */
  interrupt(): void {
    this.#interrupted = true;
    this.#onInterrupt();
  }

  /** Throws errors that end ComfyUI's worker thread, such as a link to a missing node. */
  async execute(): Promise<RunOutcome> {
    const [, , prompt, , outputs] = this.item;
    this.messages.record('execution_start', { prompt_id: this.item[1] });
    this.tools.cache.setPrompt(prompt);
    const cached = Object.keys(prompt).filter((id) => this.tools.cache.get(id) !== undefined);
    this.messages.record('execution_cached', { nodes: cached, prompt_id: this.item[1] });
    const scheduler = new Scheduler({
      prompt,
      isOutputNode: (id) => findNode(prompt[id]?.class_type)?.isOutput === true,
      isCached: (id) => this.tools.cache.get(id) !== undefined,
    });
    for (const id of outputs) scheduler.add(id);
    const success = await this.#runAll(scheduler);
    if (success) this.messages.record('execution_success', { prompt_id: this.item[1] });
    this.currentNode = undefined;
    const status_str = success ? 'success' : 'error';
    const status: HistoryStatus = { status_str, completed: success, messages: this.messages.recorded };
    return { ...shownBy(prompt, this.tools.cache), status };
  }

  async #runAll(scheduler: Scheduler): Promise<boolean> {
    while (!scheduler.done) {
      const nodeId = scheduler.next();
      if (nodeId === undefined) return this.#fail(scheduler.stuck[0] ?? '', cycle());
      if (!(await this.#runNode(nodeId))) return false;
      scheduler.complete(nodeId);
    }
    return true;
  }

  async #runNode(nodeId: string): Promise<boolean> {
    const known = this.tools.cache.get(nodeId);
    if (known !== undefined) this.#sendExecuted(nodeId, known.shown?.ui ?? null);
    else {
      this.#states.start(nodeId);
      this.#sendStates();
      this.currentNode = nodeId;
      this.messages.toClient('executing', { node: nodeId, display_node: nodeId, prompt_id: this.item[1] });
      const nodeRun = this.#nodeRun(nodeId);
      try {
        this.#keep(nodeId, await nodeRun.execute());
      } catch (error) {
        return this.#fail(nodeId, error, nodeRun);
      }
      this.#executed.add(nodeId);
    }
    this.#states.finish(nodeId);
    this.#sendStates();
    return true;
  }

  #nodeRun(nodeId: string): NodeRun {
    return new NodeRun(nodeId, this.item, this.tools, {
      checkpoint: () => this.#checkpoint(),
      interruption: this.#interruption,
      progress: (value, max, preview) => {
        this.#states.update(nodeId, value, max);
        this.#sendStates();
        this.messages.progress(nodeId, value, max, preview);
      },
      text: (text) => this.messages.text(nodeId, text),
      blocked: (message) => this.#sendBlocked(nodeId, message),
    });
  }

  #keep(nodeId: string, result: NodeResult): void {
    const isShown = result.ui !== undefined && Object.keys(result.ui).length > 0;
    if (isShown) this.#sendExecuted(nodeId, result.ui ?? null);
    this.tools.cache.set(nodeId, isShown ? result : { ...result, ui: undefined });
  }

  #checkpoint(): void {
    if (!this.#interrupted) return;
    this.#interrupted = false;
    throw new Interrupted();
  }

  #sendStates(): void {
    this.messages.toAll('progress_state', this.#states.snapshot());
  }

  #sendExecuted(nodeId: string, output: NodeUi | null): void {
    this.messages.toClient('executed', { node: nodeId, display_node: nodeId, output, prompt_id: this.item[1] });
  }

  /** Neither ends the run nor is part of the history. */
  #sendBlocked(nodeId: string, message: string): void {
    this.messages.toAll('execution_error', {
      ...this.#place(nodeId),
      exception_message: `Execution Blocked: ${message}`,
      exception_type: 'ExecutionBlocked',
      traceback: [],
      current_inputs: [],
      current_outputs: [],
    });
  }

  #place(nodeId: string): Record<string, unknown> {
    const [, prompt_id, prompt] = this.item;
    return { prompt_id, node_id: nodeId, node_type: prompt[nodeId]?.class_type, executed: [...this.#executed] };
  }

  #fail(nodeId: string, error: unknown, nodeRun?: NodeRun): false {
    this.tools.clock.throwIfDead();
    if (error instanceof Interrupted) {
      this.messages.record('execution_interrupted', this.#place(nodeId), { broadcast: true });
      return false;
    }
    this.messages.record('execution_error', {
      ...this.#place(nodeId),
      ...describeFailure(error),
      current_inputs: nodeRun?.describeInputs() ?? [],
      current_outputs: Object.keys(this.item[2]),
    });
    return false;
  }
}

const cycle = (): PythonError => new PythonError('graph.DependencyCycleError', 'Dependency cycle detected');
