import { isObject } from '../../shared/json';
import {
  type Find,
  follow,
  activeInputs,
  isLink,
  linksNamed,
  passThroughLinks,
  type Read,
  type Seen,
  trails,
} from './links';
import { choiceNamed, firstOf, numberNamed } from './literals';
import type { Workflow, WorkflowNode } from './workflow';

/**
 * A LoRA that is applied between a model loader and a sampler.
 *
 * @publicApi
 */
export interface LoraFacts {
  /** The loader's input: a path below `models/loras`. */
  readonly name: string;
  readonly strengthModel: number | null;
  /** Null if the loader does not change CLIP. */
  readonly strengthClip: number | null;
}

/** An input of a node that names a LoRA; `suffix` numbers those of a stack (`_1`). */
interface LoraPlace {
  readonly node: WorkflowNode;
  readonly input: string;
  readonly suffix: string;
}

const MODEL_NAME = choiceNamed('ckpt_name', 'unet_name', 'model_name', 'gguf_name', 'model_path', 'base_ckpt_name');
const VAE_NAME = choiceNamed('vae_name');
const LORA_INPUT = /^lora(?:_name)?(_?\d+)?$/;
const MODEL_LINK = /^(?:model|guider)(?!_name|_path)/;

/** Name and strengths of each place may need links to be followed: the bound keeps the time linear. */
const MAX_PLACES = 50;

/** The files of the models that samplers use; a merge has several. */
export function* modelsBehind(workflow: Workflow, samplers: readonly WorkflowNode[]): Generator<string> {
  const seen: Seen<string> = new Map();
  for (const sampler of samplers) yield* follow(workflow, trails(modelLinks(sampler), readModel), seen);
}

/** The LoRAs of the samplers' models, for each sampler in the order of application: the one next to the loader first. */
export function* lorasBehind(workflow: Workflow, samplers: readonly WorkflowNode[]): Generator<LoraFacts> {
  const seen: Seen<LoraPlace> = new Map();
  let looked = 0;
  for (const sampler of samplers) {
    const places = [...follow(workflow, trails(modelLinks(sampler), readLoras), seen)].toReversed();
    for (const place of places) {
      if (looked === MAX_PLACES) return;
      looked += 1;
      const facts = loraAt(workflow, place);
      if (facts !== null) yield facts;
    }
  }
}

/** The VAE files that nodes use, without those inside checkpoints. */
export function* vaesBehind(workflow: Workflow, nodes: readonly WorkflowNode[]): Generator<string> {
  const seen: Seen<string> = new Map();
  for (const node of nodes) yield* follow(workflow, trails(linksNamed(node, /^(?:optional_)?vae$/), readVae), seen);
}

/** Ignores files named by nodes with a model input: those extend a model, as motion modules do. */
const readModel: Read<string> = (node) => {
  const named = linksNamed(node, MODEL_LINK).length === 0 ? MODEL_NAME.at(node) : [];
  return named.length > 0 ? named : trails(modelLinks(node), readModel);
};

const readVae: Read<string> = (node) => {
  const named = VAE_NAME.at(node);
  return named.length > 0 ? named : trails([...linksNamed(node, /^vae/), ...passThroughLinks(node)], readVae);
};

/** The LoRA applied last comes first, because the walk goes backwards. */
const readLoras: Read<LoraPlace> = (node) => {
  const places = activeInputs(node).flatMap(([input, value]): Find<LoraPlace>[] => {
    const match = LORA_INPUT.exec(input);
    const isPlace = match !== null && value !== 'None' && (!isLink(value) || input.startsWith('lora_name'));
    return isPlace ? [{ value: { node, input, suffix: match[1] ?? '' } }] : [];
  });
  return [...places.toReversed(), ...trails([...linksNamed(node, /^lora_stack/), ...modelLinks(node)], readLoras)];
};

function modelLinks(node: WorkflowNode) {
  const links = linksNamed(node, MODEL_LINK);
  return links.length > 0 ? links : passThroughLinks(node);
}

function loraAt(workflow: Workflow, { node, input, suffix }: LoraPlace): LoraFacts | null {
  const value = node.inputs[input];
  if (isObject(value)) return powerLora(value);
  if (node.inputs[`switch${suffix}`] === 'Off') return null;
  const name = firstOf(workflow, [node], choiceNamed(input));
  const strength = (...names: string[]) =>
    firstOf(workflow, [node], numberNamed(...names.map((stem) => `${stem}${suffix}`)));
  return name === null
    ? null
    : {
        name,
        strengthModel: strength('strength_model', 'lora_model_strength', 'model_weight', 'lora_wt', 'strength'),
        strengthClip: strength('strength_clip', 'lora_clip_strength', 'clip_weight', 'lora_wt'),
      };
}

/** rgthree's Power Lora Loader has an object per LoRA: `{ on, lora, strength, strengthTwo }`. */
function powerLora({ on, lora, strength, strengthTwo }: Record<string, unknown>): LoraFacts | null {
  if (on !== true || typeof lora !== 'string' || lora === '' || lora === 'None') return null;
  const strengthModel = typeof strength === 'number' ? strength : null;
  return { name: lora, strengthModel, strengthClip: typeof strengthTwo === 'number' ? strengthTwo : strengthModel };
}
