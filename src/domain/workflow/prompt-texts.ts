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
import { usedNodes } from './samplers';
import type { Workflow, WorkflowNode } from './workflow';

export type Side = 'positive' | 'negative';

/** String inputs of text encoders and of string nodes; not `text_0`, where ShowText keeps the last text it displayed. */
const TEXT =
  /^(?:(?:user_|populated_)?(?:text|prompt|string)(?:_?(?:[a-z]|[1-9]\d?))?|value|clip_[lg]|t5xxl|llama|bert|mt5xl|tags|lyrics)$/i;
const CONDITIONING = /^cond/;
const POSITIVE = /^(?:(?:text|prompt)_)?positive/;
const NEGATIVE = /^(?:(?:text|prompt)_)?neg/;

/** Text inputs of nodes that generate from text without a sampler. */
const PROMPT = /^(?:prompt|text|tags|lyrics)$/;

/** Inputs of loaders and pipes, whose conditioning is not in the first two output slots. */
const BUNDLE = /^model$|pipe|ctx|context/;
const MODEL_FILE_INPUTS = ['ckpt_name', 'base_ckpt_name'];

/** Its output does not depend on the text of its input. */
const SILENCER = 'ConditioningZeroOut';

const READ_TEXTS = { positive: textReader('positive'), negative: textReader('negative') };
const READ_CONDITIONING = { positive: conditioningReader('positive'), negative: conditioningReader('negative') };

/** The texts of one side of the samplers, in the order of the samplers and of the inputs that lead to them. */
export function* samplerTexts(workflow: Workflow, samplers: readonly WorkflowNode[], side: Side): Generator<string> {
  const seen: Seen<string> = new Map();
  for (const sampler of samplers) yield* follow(workflow, READ_CONDITIONING[side](sampler, 0), seen);
}

/** The texts in a workflow without samplers, where only the input names decide the side. */
export function* textsWithoutSamplers(workflow: Workflow, side: Side): Generator<string> {
  const seen: Seen<string> = new Map();
  for (const node of usedNodes(workflow, () => true)) {
    const inputs = activeInputs(node).filter(([name]) => (PROMPT.test(name) ? 'positive' : sideOf(name)) === side);
    yield* follow(workflow, findTexts(inputs, side), seen);
  }
}

/** Reads the conditioning of a sampler, or of its guider. Conditioning without a side counts as positive. */
function conditioningReader(side: Side): Read<string> {
  const read: Read<string> = (node) => {
    const sided = linksNamed(node, side === 'negative' ? NEGATIVE : /^(?:positive|cond)/);
    if (sided.length > 0) return trails(sided, READ_TEXTS[side]);
    const guiders = linksNamed(node, /^guider/);
    return guiders.length > 0 ? trails(guiders, read) : trails(passThroughLinks(node), READ_TEXTS[side]);
  };
  return read;
}

/**
 * Reads the texts in a node and behind its links. A node with both sides outputs the positive one in its first slot and
 * the negative one in the next (`ControlNetApplyAdvanced`), unless it bundles more, like `ToBasicPipe`: then the side does
 * not change.
 */
function textReader(side: Side): Read<string> {
  const read: Read<string> = (node, slot) => {
    if (node.class_type === SILENCER) return [];
    const textInputs = activeInputs(node).filter(([name, value]) => isTextInput(name, value));
    const bundles = isBundle(node);
    const isPair = textInputs.some(([name]) => POSITIVE.test(name)) && textInputs.some(([name]) => NEGATIVE.test(name));
    const pairSide = slot === 0 ? 'positive' : 'negative';
    const wanted = bundles || !isPair ? side : pairSide;
    const chosen = textInputs.filter(([name]) => (!bundles && !isPair) || (sideOf(name) ?? wanted) === wanted);
    return chosen.length > 0 ? findTexts(chosen, side) : trails(passThroughLinks(node), read);
  };
  return read;
}

function findTexts(inputs: readonly (readonly [string, unknown])[], side: Side): Find<string>[] {
  return inputs.flatMap(([, value]): Find<string>[] => {
    if (isLink(value)) return trails([value], READ_TEXTS[side]);
    return typeof value === 'string' && value.trim() !== '' ? [{ value }] : [];
  });
}

function isTextInput(name: string, value: unknown): boolean {
  if (!isLink(value) && typeof value !== 'string') return false;
  return TEXT.test(name) || sideOf(name) !== null || (CONDITIONING.test(name) && isLink(value));
}

function isBundle(node: WorkflowNode): boolean {
  return linksNamed(node, BUNDLE).length > 0 || MODEL_FILE_INPUTS.some((name) => Object.hasOwn(node.inputs, name));
}

function sideOf(name: string): Side | null {
  if (NEGATIVE.test(name)) return 'negative';
  return POSITIVE.test(name) ? 'positive' : null;
}
