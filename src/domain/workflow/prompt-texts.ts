import { type Find, follow, inputsInForce, isLink, linksNamed, passedOn, type Read, type Seen, trails } from './links';
import { usedNodes } from './samplers';
import type { Workflow, WorkflowNode } from './workflow';

export type Side = 'positive' | 'negative';

/** String inputs of text encoders, and of nodes that give strings; not `text_0`, where ShowText keeps what it last showed. */
const TEXT =
  /^(?:(?:user_|populated_)?(?:text|prompt|string)(?:_?(?:[a-z]|[1-9]\d?))?|value|clip_[lg]|t5xxl|llama|bert|mt5xl|tags|lyrics)$/i;
const CONDITIONING = /^cond/;
const POSITIVE = /^(?:(?:text|prompt)_)?positive/;
const NEGATIVE = /^(?:(?:text|prompt)_)?neg/;

/** What a node says itself that makes something from words without a sampler. */
const PROMPT = /^(?:prompt|text|tags|lyrics)$/;

/** Loaders and pipes give their conditioning by other slots than the first two. */
const BUNDLE = /^model$|pipe|ctx|context/;
const MODEL_FILE_INPUTS = ['ckpt_name', 'base_ckpt_name'];

/** Gives nothing of the text it gets. */
const SILENCER = 'ConditioningZeroOut';

const READ_WORDS = { positive: wordsReader('positive'), negative: wordsReader('negative') };
const READ_GUIDANCE = { positive: guidanceReader('positive'), negative: guidanceReader('negative') };

/** The texts behind one side of samplers, in the order of the samplers and of the inputs that lead to them. */
export function* samplerTexts(workflow: Workflow, samplers: readonly WorkflowNode[], side: Side): Generator<string> {
  const seen: Seen<string> = new Map();
  for (const sampler of samplers) yield* follow(workflow, READ_GUIDANCE[side](sampler, 0), seen);
}

/** What nodes say in a workflow without samplers, where no conditioning tells what the words are for. */
export function* spokenTexts(workflow: Workflow, side: Side): Generator<string> {
  const seen: Seen<string> = new Map();
  for (const node of usedNodes(workflow, () => true)) {
    const said = inputsInForce(node).filter(([name]) => (PROMPT.test(name) ? 'positive' : sideOf(name)) === side);
    yield* follow(workflow, findWords(said, side), seen);
  }
}

/** The conditioning of a sampler, or of its guider. Conditioning that takes no side is positive here. */
function guidanceReader(side: Side): Read<string> {
  const read: Read<string> = (node) => {
    const sided = linksNamed(node, side === 'negative' ? NEGATIVE : /^(?:positive|cond)/);
    if (sided.length > 0) return trails(sided, READ_WORDS[side]);
    const guiders = linksNamed(node, /^guider/);
    return guiders.length > 0 ? trails(guiders, read) : trails(passedOn(node), READ_WORDS[side]);
  };
  return read;
}

/**
 * The words a node holds or takes. A node with both sides gives the positive one by its first slot and the negative one
 * by the next (`ControlNetApplyAdvanced`), unless it bundles more, like `ToBasicPipe`: then the side stays what it was.
 */
function wordsReader(side: Side): Read<string> {
  const read: Read<string> = (node, slot) => {
    if (node.class_type === SILENCER) return [];
    const wording = inputsInForce(node).filter(([name, value]) => isWording(name, value));
    const bundles = isBundle(node);
    const isPair = wording.some(([name]) => POSITIVE.test(name)) && wording.some(([name]) => NEGATIVE.test(name));
    const pairSide = slot === 0 ? 'positive' : 'negative';
    const wanted = bundles || !isPair ? side : pairSide;
    const chosen = wording.filter(([name]) => (!bundles && !isPair) || (sideOf(name) ?? wanted) === wanted);
    return chosen.length > 0 ? findWords(chosen, side) : trails(passedOn(node), read);
  };
  return read;
}

function findWords(inputs: readonly (readonly [string, unknown])[], side: Side): Find<string>[] {
  return inputs.flatMap(([, value]): Find<string>[] => {
    if (isLink(value)) return trails([value], READ_WORDS[side]);
    return typeof value === 'string' && value.trim() !== '' ? [{ value }] : [];
  });
}

function isWording(name: string, value: unknown): boolean {
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
