import {
  badIndex,
  badLink,
  dependencyCycle,
  missingInput,
  mismatch,
  outerFailure,
  innerFailure,
  invalidLinkError,
  notIterable,
} from './validation-errors';
import { checkValue } from './value-validation';
import { findNode } from './nodes/catalogue';
import { InputSpec, inputSpec, NodeDefinition, Inventory } from './nodes/definition';
import { Protocol } from './options';
import { ApiError, isObject, Json, Prompt, PromptNode } from './wire';

export interface ValidatedNode {
  valid: boolean;
  /** Empty if only an upstream node is invalid. */
  errors: readonly ApiError[];
}

const GOOD: ValidatedNode = { valid: true, errors: [] };
const BAD_UPSTREAM: ValidatedNode = { valid: false, errors: [] };

/** Validates nodes depth-first, each once. */
export class NodeValidation {
  readonly results = new Map<string, ValidatedNode>();
  readonly #underway = new Set<string>();
  readonly #cycles = new Map<string, ApiError>();

  constructor(
    private readonly prompt: Prompt,
    private readonly inventory: Inventory,
    private readonly protocol: Protocol,
  ) {}

  validateOutput(nodeId: string): ValidatedNode {
    try {
      return this.#validate(nodeId);
    } catch (error) {
      return this.record(nodeId, [outerFailure(error)]);
    }
  }

  record(nodeId: string, errors: readonly ApiError[]): ValidatedNode {
    const result = { valid: false, errors };
    this.results.set(nodeId, result);
    return result;
  }

  /** Throws like Python if the node or its `inputs` do not exist. */
  #validate(nodeId: string): ValidatedNode {
    const known = this.results.get(nodeId);
    if (known !== undefined) return known;
    if (this.#underway.has(nodeId)) return this.#closeCycle(nodeId);
    const { node, definition } = this.#find(nodeId);
    this.#underway.add(nodeId);
    try {
      const validated = this.#validateInputs(node, definition);
      const cycle = this.#cycles.get(nodeId);
      const result = cycle === undefined ? validated : { valid: false, errors: [...validated.errors, cycle] };
      this.results.set(nodeId, result);
      return result;
    } finally {
      this.#underway.delete(nodeId);
    }
  }

  /** In 0.3.64 a cycle overflows Python's stack and the error is lost: the response does not mention it. */
  #closeCycle(nodeId: string): ValidatedNode {
    if (this.protocol === '0.38') {
      const path = [...this.#underway];
      const cycle = path.slice(path.indexOf(nodeId));
      const named = [...cycle, nodeId].map((id) => `${id} (${this.prompt[id]?.class_type})`);
      this.#cycles.set(nodeId, dependencyCycle(nodeId, cycle, named.join(' -> ')));
    }
    return BAD_UPSTREAM;
  }

  #find(nodeId: unknown): { node: PromptNode; definition: NodeDefinition } {
    const key = typeof nodeId === 'string' && Object.hasOwn(this.prompt, nodeId) ? nodeId : undefined;
    const node = key === undefined ? undefined : this.prompt[key];
    const definition = findNode(node?.class_type);
    if (node === undefined || definition === undefined) throw invalidLinkError(nodeId);
    const inputs: unknown = node.inputs;
    if (inputs === undefined) throw invalidLinkError('inputs');
    if (!isObject(inputs) && !Array.isArray(inputs)) throw notIterable(inputs);
    return { node, definition };
  }

  #validateInputs(node: PromptNode, definition: NodeDefinition): ValidatedNode {
    const errors: ApiError[] = [];
    let upstreamIsGood = true;
    for (const [name, declared] of Object.entries({ ...definition.required, ...definition.optional })) {
      const spec = inputSpec(declared, this.inventory);
      const value = Object.hasOwn(node.inputs, name) ? node.inputs[name] : undefined;
      if (value === undefined) {
        if (name in definition.required) errors.push(missingInput(name));
      } else if (Array.isArray(value)) {
        const outcome = this.#validateLink(name, value, spec);
        if (outcome === false) upstreamIsGood = false;
        else if (outcome !== true) errors.push(outcome);
      } else {
        const error = checkValue(node, name, value, spec, definition.validator?.input === name);
        if (error !== undefined) errors.push(error);
      }
    }
    errors.push(...this.#customErrors(node, definition));
    if (errors.length > 0) return { valid: false, errors };
    return upstreamIsGood ? GOOD : BAD_UPSTREAM;
  }

  /** True: valid. False: an upstream node is invalid. */
  #validateLink(name: string, link: Json[], spec: InputSpec): boolean | ApiError {
    const [originId, slot] = link;
    if (link.length !== 2 || originId === undefined || slot === undefined) return badLink(name, link, spec);
    const { id, definition } = this.#findOrigin(originId);
    const received = typeAt(definition, slot);
    if (!typesMatch(received, spec[0])) return mismatch(name, received, link, spec);
    try {
      return this.#validate(id).valid;
    } catch (error) {
      this.record(id, [innerFailure(error, name, link, spec)]);
      return false;
    }
  }

  /** Checks only the class: missing `inputs` are found when the origin itself is validated. */
  #findOrigin(originId: Json): { id: string; definition: NodeDefinition } {
    const id = typeof originId === 'string' && Object.hasOwn(this.prompt, originId) ? originId : undefined;
    const definition = id === undefined ? undefined : findNode(this.prompt[id]?.class_type);
    if (id === undefined || definition === undefined) throw invalidLinkError(originId);
    return { id, definition };
  }

  #customErrors(node: PromptNode, { validator }: NodeDefinition): ApiError[] {
    if (validator === undefined || !Object.hasOwn(node.inputs, validator.input)) return [];
    const verdict = validator.check(node.inputs[validator.input], this.inventory);
    if (verdict === true) return [];
    return [
      {
        type: 'custom_validation_failed',
        message: 'Custom validation failed for node',
        details: `${validator.input} - ${verdict}`,
        extra_info: { input_name: validator.input },
      },
    ];
  }
}

function typeAt({ outputs = [] }: NodeDefinition, slot: Json): string {
  const index = typeof slot === 'number' && slot < 0 ? outputs.length + slot : slot;
  const type = typeof index === 'number' ? outputs[index] : undefined;
  if (typeof index !== 'number') throw badIndex(slot);
  if (type === undefined) throw new RangeError('tuple index out of range');
  return type;
}

/** `*` accepts any type; `A,B` accepts either. A combo accepts only a combo with the same choices. */
function typesMatch(received: string, wanted: InputSpec[0]): boolean {
  if (typeof wanted !== 'string') return false;
  if (wanted === '*' || received === wanted) return true;
  const accepted = wanted.split(',').map((type) => type.trim());
  return received.split(',').some((type) => accepted.includes(type.trim()));
}
