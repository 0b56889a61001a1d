import { type Find, follow, isLink, linksNamed, nodeOf, passThroughLinks, type Read, type Seen, trails } from './links';
import { hasAnyInput } from './literals';
import { nodeIdsOf } from './node-order';
import type { Workflow, WorkflowNode } from './workflow';

/** The first sampler of a run, and the node that creates its empty latent, if any. */
export interface BaseSampler {
  readonly node: WorkflowNode;
  readonly emptyLatent: WorkflowNode | null;
}

export const WIDTH_INPUTS = ['width', 'empty_latent_width'];

const LATENT = /^(?:samples|latent|destination|source|video_latent)/;
const LATENT_OR_IMAGE = /^(?:samples|latent|destination|source|video_latent|pixels|image)/;

/** The settings that custom sampling keeps in separate nodes; each may pass through further nodes of the same type. */
const PARTS = [/^guider/, /^sampler$/, /^sigmas/, /^noise$/].map((name) => ({ name, read: partReader(name) }));
const SETTINGS = ['noise_seed', 'seed', 'steps', 'cfg', 'cfg_conds', 'sampler_name', 'scheduler', 'denoise'];

/**
 * Whether a node is a sampler, judged by its inputs: one of `latent_image`, `sampler_name`, `sampler`, `sigmas`, and a link
 * to a model with its conditioning, to a `guider`, or to a pipe that contains both.
 */
export function isSampler(node: WorkflowNode): boolean {
  if (!hasAnyInput(node, ['latent_image', 'sampler_name', 'sampler', 'sigmas'])) return false;
  const isGuided = linksNamed(node, /^model$/).length > 0 && linksNamed(node, /^(?:positive|cond)/).length > 0;
  return isGuided || linksNamed(node, /^guider$|pipe$/).length > 0;
}

/** The samplers in the order of the nodes, without those whose output is unused, unless all are. */
export function samplersOf(workflow: Workflow): WorkflowNode[] {
  return usedNodes(workflow, isSampler);
}

/** The nodes that match, in their order, without those whose output is unused, unless all are. */
export function usedNodes(workflow: Workflow, isWanted: (node: WorkflowNode) => boolean): WorkflowNode[] {
  const taken = takenIds(workflow);
  const wanted = nodeIdsOf(workflow).flatMap((id) => {
    const node = nodeOf(workflow, id);
    return node !== undefined && isWanted(node) ? [{ node, isTaken: taken.has(id) }] : [];
  });
  const used = wanted.filter(({ isTaken }) => isTaken);
  return (used.length > 0 ? used : wanted).map(({ node }) => node);
}

/** The first sampler with an empty latent; without one, the sampler where the latent of the first sampler originates. */
export function baseOf(workflow: Workflow, samplers: readonly WorkflowNode[]): BaseSampler | null {
  const seen: Seen<WorkflowNode> = new Map();
  for (const node of samplers) {
    const ends = follow(workflow, trails(linksNamed(node, LATENT), readLatent), seen);
    for (const end of ends) if (!isSampler(end)) return { node, emptyLatent: end };
  }
  const first = samplers[0];
  return first === undefined ? null : { node: earliest(workflow, first), emptyLatent: null };
}

/** A sampler and the nodes that custom sampling splits its settings into; none twice with the same `seen`. */
export function settingsOf(
  workflow: Workflow,
  sampler: WorkflowNode,
  seen: Seen<WorkflowNode> = new Map(),
): WorkflowNode[] {
  const parts = PARTS.flatMap(({ name, read }) => trails(linksNamed(sampler, name), read));
  return [sampler, ...follow(workflow, parts, seen)];
}

function earliest(workflow: Workflow, sampler: WorkflowNode): WorkflowNode {
  const seen: Seen<WorkflowNode> = new Map();
  for (let node = sampler; ;) {
    const before = follow(workflow, trails(linksNamed(node, LATENT_OR_IMAGE), readOrigin), seen).next();
    if (before.done) return node;
    node = before.value;
  }
}

/** Follows a latent back through nodes that modify it, to the sampler or the empty latent where it originates. */
function readLatent(node: WorkflowNode): readonly Find<WorkflowNode>[] {
  const links = isSampler(node) ? [] : linksNamed(node, LATENT);
  if (links.length > 0) return trails(links, readLatent);
  return isSampler(node) || hasAnyInput(node, WIDTH_INPUTS)
    ? [{ value: node }]
    : trails(passThroughLinks(node), readLatent);
}

function readOrigin(node: WorkflowNode): readonly Find<WorkflowNode>[] {
  if (isSampler(node)) return [{ value: node }];
  return trails([...linksNamed(node, LATENT_OR_IMAGE), ...passThroughLinks(node)], readOrigin);
}

function partReader(name: RegExp): Read<WorkflowNode> {
  const read: Read<WorkflowNode> = (node) => {
    const links = linksNamed(node, name);
    if (links.length > 0) return trails(links, read);
    return hasAnyInput(node, SETTINGS) ? [{ value: node }] : trails(passThroughLinks(node), read);
  };
  return read;
}

function takenIds(workflow: Workflow): Set<string> {
  const taken = new Set<string>();
  for (const [id, { inputs }] of Object.entries(workflow)) {
    for (const value of Object.values(inputs)) if (isLink(value) && value[0] !== id) taken.add(value[0]);
  }
  return taken;
}
