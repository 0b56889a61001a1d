import { findNode } from './nodes/catalogue';
import { Inventory } from './nodes/definition';
import { NodeInputs } from './nodes/inputs';
import { NodeResult } from './nodes/definition';
import { dumpJson } from './python-json';
import { isLink, NodeUi, Prompt } from './wire';

interface CachedNode {
  outputs: readonly unknown[];
  /** `nodeId` is that of the node that ran, even if an equal node of a later prompt reuses its result. */
  shown?: { ui: NodeUi; nodeId: string };
}

/**
 * Results of the last prompt by input signature: a node does not run again if its inputs and those of all its ancestors
 * are unchanged. Results without a node in the current prompt are dropped, as in ComfyUI's classic cache.
 */
export class NodeCache {
  #results = new Map<string, CachedNode>();
  #tags = new Map<string, string>();
  #keys = new Map<string, string>();
  #isChanged = new Map<string, unknown>();
  #unrepeatable = 0;

  constructor(private readonly inventory: Inventory) {}

  /** Computes the signatures of a prompt's nodes and drops the results of all others. */
  setPrompt(prompt: Prompt): void {
    this.#isChanged = new Map();
    this.#keys = new Map(Object.keys(prompt).map((id) => [id, this.#signature(prompt, id)]));
    const used = new Set(this.#keys.values());
    const objects = new Set(Object.entries(prompt).map(([id, node]) => objectKey(id, node.class_type)));
    this.#results = new Map([...this.#results].filter(([key]) => used.has(key)));
    this.#tags = new Map([...this.#tags].filter(([key]) => objects.has(key)));
  }

  get(nodeId: string): CachedNode | undefined {
    return this.#results.get(this.#keys.get(nodeId) ?? '');
  }

  set(nodeId: string, { outputs = [], ui }: NodeResult): void {
    const key = this.#keys.get(nodeId);
    if (key !== undefined) this.#results.set(key, { outputs, ...(ui && { shown: { ui, nodeId } }) });
  }

  /** The value of IS_CHANGED, which is part of the metadata of images; undefined for most nodes. */
  isChanged(nodeId: string): unknown {
    return this.#isChanged.get(nodeId);
  }

  /** Five letters per node object, which PreviewImage keeps in its file names from run to run. */
  tag(nodeId: string, classType: string): string {
    const key = objectKey(nodeId, classType);
    const tag = this.#tags.get(key) ?? randomTag();
    this.#tags.set(key, tag);
    return tag;
  }

  clear(): void {
    this.#results.clear();
    this.#tags.clear();
  }

  #signature(prompt: Prompt, nodeId: string): string {
    const ancestors: string[] = [];
    collectAncestors(prompt, nodeId, ancestors);
    const place = new Map(ancestors.map((id, index) => [id, index]));
    return [nodeId, ...ancestors].map((id) => this.#ownSignature(prompt, id, place)).join('\n');
  }

  #ownSignature(prompt: Prompt, nodeId: string, place: ReadonlyMap<string, number>): string {
    const node = Object.hasOwn(prompt, nodeId) ? prompt[nodeId] : undefined;
    if (node === undefined) return `missing ${++this.#unrepeatable}`;
    const inputs = Object.keys(node.inputs)
      .sort()
      .map((name) => {
        const value = node.inputs[name];
        return [name, isLink(value) ? { ancestor: place.get(value[0]), slot: value[1] } : value];
      });
    const hasOwnId = Object.values(findNode(node.class_type)?.hidden ?? {}).includes('UNIQUE_ID');
    return dumpJson([node.class_type, this.#fingerprint(prompt, nodeId), hasOwnId ? nodeId : null, inputs]);
  }

  #fingerprint(prompt: Prompt, nodeId: string): unknown {
    const node = prompt[nodeId];
    const definition = findNode(node?.class_type);
    if (node === undefined || definition?.isChanged === undefined) return false;
    if (!this.#isChanged.has(nodeId)) {
      const inputs = new NodeInputs(new Map(Object.entries(node.inputs)));
      this.#isChanged.set(nodeId, definition.isChanged(inputs, this.inventory));
    }
    const value = this.#isChanged.get(nodeId);
    return Number.isNaN(value) ? `NaN ${++this.#unrepeatable}` : value;
  }
}

const objectKey = (nodeId: string, classType: string): string => `${nodeId}\0${classType}`;

function collectAncestors(prompt: Prompt, nodeId: string, found: string[]): void {
  const node = Object.hasOwn(prompt, nodeId) ? prompt[nodeId] : undefined;
  for (const name of Object.keys(node?.inputs ?? {}).sort()) {
    const value = node?.inputs[name];
    if (!isLink(value) || found.includes(value[0])) continue;
    found.push(value[0]);
    collectAncestors(prompt, value[0], found);
  }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

const randomTag = (): string =>
  Array.from({ length: 5 }, () => LETTERS[Math.floor(Math.random() * LETTERS.length)]).join('');
