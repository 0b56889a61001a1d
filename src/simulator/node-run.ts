import { Faults, Occasion } from './faults';
import { Files } from './files';
import { FileNaming } from './file-naming';
import { NodeCache } from './node-cache';
import { describeInputs } from './node-failure';
import { findNode } from './nodes/catalogue';
import { NodeContext, NodeDefinition, NodeResult } from './nodes/definition';
import { ExecutionBlocker, NodeInputs } from './nodes/inputs';
import { SimulatedClock } from './simulated-clock';
import { EncodedPictures } from './pictures/encoded-pictures';
import { dumpJson } from './python-json';
import { PythonError } from './python-values';
import { isLink, isObject, PromptNode, QueueItem } from './wire';

/** The services of the process that nodes use. */
export interface NodeServices {
  files: Files;
  naming: FileNaming;
  encoded: EncodedPictures;
  clock: SimulatedClock;
  cache: NodeCache;
  faults: Faults;
  previews: boolean;
}

/** The callbacks of a node's run to the prompt's run. */
export interface NodeReports {
  /** Throws if the prompt was interrupted. */
  checkpoint(): void;
  interruption: Promise<void>;
  progress(value: number, max: number, preview: Buffer | undefined): void;
  text(text: string): void;
  blocked(message: string): void;
}

/** The run of one node of a prompt: its inputs, its faults, its execution. */
export class NodeRun {
  readonly #node: PromptNode;
  readonly #definition: NodeDefinition;
  readonly #occasion: Occasion;
  readonly #values = new Map<string, unknown>();

  constructor(
    private readonly nodeId: string,
    private readonly item: QueueItem,
    private readonly services: NodeServices,
    private readonly reports: NodeReports,
  ) {
    const node = item[2][nodeId];
    const definition = findNode(node?.class_type);
    if (node === undefined || definition === undefined) throw new PythonError('KeyError', `'${nodeId}'`);
    this.#node = node;
    this.#definition = definition;
    this.#occasion = { promptId: item[1], nodeId, classType: node.class_type };
  }

  async execute(): Promise<NodeResult> {
    const { faults } = this.services;
    this.#gather();
    await this.#hold();
    this.reports.checkpoint();
    const forced = faults.take('execution-blocked', this.#occasion);
    const blocker = forced ? new ExecutionBlocker(forced.message ?? null) : this.#blocker();
    if (blocker !== undefined) return this.#block(blocker);
    this.#raise(this.#occasion);
    this.#refuseUnknown();
    const result = await this.#definition.execute(new NodeInputs(this.#values), this.#context());
    if (faults.take('nan-output', this.#occasion) === undefined) return result;
    return { ...result, ui: { ...result.ui, score: [Number.NaN, Number.POSITIVE_INFINITY] } };
  }

  /** The inputs as in `execution_error`. */
  describeInputs(): Record<string, unknown[]> {
    return describeInputs(this.#values);
  }

  #gather(): void {
    const { required, optional = {} } = this.#definition;
    for (const [name, value] of Object.entries(this.#node.inputs)) {
      if (isLink(value)) this.#values.set(name, this.services.cache.get(value[0])?.outputs.at(value[1]) ?? null);
      else if (name in required || name in optional) this.#values.set(name, value);
    }
  }

  /** ComfyUI passes links of undeclared inputs to the function, and Python refuses the call. */
  #refuseUnknown(): void {
    const { required, optional = {}, classType } = this.#definition;
    const unknown = [...this.#values.keys()].find((name) => !(name in required) && !(name in optional));
    if (unknown === undefined) return;
    throw new PythonError('TypeError', `${classType}.execute() got an unexpected keyword argument '${unknown}'`);
  }

  #blocker(): ExecutionBlocker | undefined {
    for (const value of this.#values.values()) if (value instanceof ExecutionBlocker) return value;
    return undefined;
  }

  #block(blocker: ExecutionBlocker): NodeResult {
    if (blocker.message !== null) this.reports.blocked(blocker.message);
    return { outputs: (this.#definition.outputs ?? []).map(() => new ExecutionBlocker(null)) };
  }

  async #hold(): Promise<void> {
    const held = this.services.faults.find('hold', this.#occasion);
    if (held === undefined) return;
    held.hold();
    await this.services.clock.until(Promise.race([held.over, this.reports.interruption]));
  }

  #raise(occasion: Occasion): void {
    const fault = this.services.faults.take('node-exception', occasion);
    if (fault !== undefined) throw new PythonError(fault.type ?? 'RuntimeError', fault.message ?? 'simulated failure');
  }

  #context(): NodeContext {
    const { files, naming, encoded, clock, cache, previews } = this.services;
    return {
      nodeId: this.nodeId,
      previews,
      files,
      naming,
      encoded,
      tag: cache.tag(this.nodeId, this.#node.class_type),
      metadata: () => this.#metadata(),
      work: (ms) => clock.work(ms),
      progress: async (value, max, preview) => {
        await clock.yield();
        this.reports.checkpoint();
        this.#raise({ ...this.#occasion, step: value });
        this.reports.progress(value, max, preview);
      },
      text: (text) => this.reports.text(text),
    };
  }

  /** `prompt` is the graph as executed, with the values of IS_CHANGED; then every key of `extra_pnginfo`. */
  *#metadata(): Iterable<[string, string]> {
    const [, , prompt, extraData] = this.item;
    const nodes = Object.entries(prompt).map(([id, node]) => {
      const changed = this.services.cache.isChanged(id);
      return [id, changed === undefined ? node : { ...node, is_changed: changed }] as const;
    });
    yield ['prompt', dumpJson(Object.fromEntries(nodes))];
    const extra = extraData['extra_pnginfo'];
    if (isObject(extra)) for (const [key, value] of Object.entries(extra)) yield [key, dumpJson(value)];
  }
}
