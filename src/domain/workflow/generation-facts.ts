import { follow, type Seen } from './links';
import { choiceNamed, firstOf, literal, numberNamed } from './literals';
import { type LoraFacts, lorasBehind, modelsBehind, vaesBehind } from './model-files';
import { samplerTexts, spokenTexts } from './prompt-texts';
import { baseOf, samplersOf, settingsOf, usedNodes, WIDTH_INPUTS } from './samplers';
import type { Workflow, WorkflowNode } from './workflow';

/**
 * What a workflow's graph tells about the run. Numbers and names are those of the base sampler: the first that starts
 * from an empty latent, or else the one that the first sampler's latent comes from. Null is what the graph does not
 * tell. Lists have no entry twice, and at most 50 entries. All of it is plain JSON.
 */
export interface GenerationFacts {
  /**
   * The texts behind `positive`, of all samplers in the order of the nodes, each as it was sent: texts are not joined,
   * and never shortened, for only who stores them knows how long they may be. Blank ones are left out.
   */
  readonly positive: readonly string[];
  readonly negative: readonly string[];
  /** Decimal digits, see `Seed`; without a sampler, the only seed there is. */
  readonly seed: string | null;
  /** Of all samplers, in the order of the nodes. */
  readonly seeds: readonly string[];
  /** Pixels, of the empty latent: null when the run starts from a picture, whatever is enlarged later. */
  readonly width: number | null;
  readonly height: number | null;
  readonly steps: number | null;
  readonly cfg: number | null;
  /** ComfyUI's `sampler_name`. */
  readonly samplerName: string | null;
  readonly scheduler: string | null;
  readonly denoise: number | null;
  /** Checkpoints and diffusion models, as their loaders are given them. */
  readonly models: readonly string[];
  /** In the order they are applied to the model. */
  readonly loras: readonly LoraFacts[];
  /** VAEs that are loaded by themselves. */
  readonly vaes: readonly string[];
}

const MAX_ENTRIES = 50;
const MAX_NODES = 5_000;

const SEED_INPUTS = ['seed', 'noise_seed'];
const SEED = literal(SEED_INPUTS, seedDigits, SEED_INPUTS);
const WIDTH = numberNamed(...WIDTH_INPUTS);
const HEIGHT = numberNamed('height', 'empty_latent_height');
const STEPS = numberNamed('steps');
const CFG = numberNamed('cfg', 'cfg_conds');
const DENOISE = numberNamed('denoise');
const SAMPLER_NAME = choiceNamed('sampler_name');
const SCHEDULER = choiceNamed('scheduler');

/**
 * Reads the facts by following links back from the samplers, which are told by their inputs; ids, titles and class names
 * decide nothing (but `ConditioningZeroOut`, which silences a text). A node between that has no input of the kind sought
 * is taken to pass on what it gets, as reroutes and switches do; where a literal says which branch is used, only that.
 *
 * Samplers whose output no node takes are left out unless all are so: which nodes put out cannot be told by the graph
 * alone. In a workflow without samplers the texts are the `prompt`, `text`, `positive...` and `negative...` strings of
 * nodes whose output is taken, the seeds are those nodes' seeds, and the rest is null or empty.
 *
 * Takes time in proportion to the workflow, throws nothing for any graph that `parseWorkflow` accepts. Of one with more than
 * 5,000 nodes nothing is read: that would hold up everybody else.
 */
export function generationFacts(workflow: Workflow): GenerationFacts {
  return factsOf(Object.keys(workflow).length > MAX_NODES ? {} : workflow);
}

function factsOf(workflow: Workflow): GenerationFacts {
  const samplers = samplersOf(workflow);
  const used = usedNodes(workflow, () => true);
  const isSampled = samplers.length > 0;
  const seeds = listOf(seedsBehind(workflow, isSampled ? samplers : used));
  const base = settingsOfBase(workflow, samplers);
  return {
    ...base,
    seed: isSampled || seeds.length > 1 ? base.seed : (seeds[0] ?? null),
    seeds,
    positive: listOf(isSampled ? samplerTexts(workflow, samplers, 'positive') : spokenTexts(workflow, 'positive')),
    negative: listOf(isSampled ? samplerTexts(workflow, samplers, 'negative') : spokenTexts(workflow, 'negative')),
    models: listOf(modelsBehind(workflow, samplers)),
    loras: listOf(lorasBehind(workflow, samplers), (lora) => JSON.stringify(lora)),
    vaes: listOf(vaesBehind(workflow, used)),
  };
}

function settingsOfBase(workflow: Workflow, samplers: readonly WorkflowNode[]) {
  const base = baseOf(workflow, samplers);
  const settings = base === null ? [] : settingsOf(workflow, base.node);
  const latent = base?.emptyLatent ? [base.emptyLatent] : [];
  return {
    seed: firstOf(workflow, settings, SEED),
    width: firstOf(workflow, latent, WIDTH),
    height: firstOf(workflow, latent, HEIGHT),
    steps: firstOf(workflow, settings, STEPS),
    cfg: firstOf(workflow, settings, CFG),
    samplerName: firstOf(workflow, settings, SAMPLER_NAME),
    scheduler: firstOf(workflow, settings, SCHEDULER),
    denoise: firstOf(workflow, settings, DENOISE),
  };
}

function* seedsBehind(workflow: Workflow, nodes: readonly WorkflowNode[]): Generator<string> {
  const seen: Seen<string> = new Map();
  const seenParts: Seen<WorkflowNode> = new Map();
  for (const node of nodes) {
    for (const part of settingsOf(workflow, node, seenParts)) yield* follow(workflow, SEED.at(part), seen);
  }
}

function seedDigits(value: unknown): string | null {
  if (!['number', 'bigint', 'string'].includes(typeof value)) return null;
  const digits = String(value).trim();
  return /^-?\d{1,20}$/.test(digits) ? digits : null;
}

function listOf<T>(values: Iterable<T>, keyOf: (value: T) => unknown = (value) => value): T[] {
  const found = new Map<unknown, T>();
  for (const value of values) {
    if (found.size === MAX_ENTRIES) break;
    if (!found.has(keyOf(value))) found.set(keyOf(value), value);
  }
  return [...found.values()];
}
