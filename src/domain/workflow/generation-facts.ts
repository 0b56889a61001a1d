import { follow, type Seen } from './links';
import { choiceNamed, firstOf, literal, numberNamed } from './literals';
import { type LoraFacts, lorasBehind, modelsBehind, vaesBehind } from './model-files';
import { samplerTexts, textsWithoutSamplers } from './prompt-texts';
import { baseOf, samplersOf, settingsOf, usedNodes, WIDTH_INPUTS } from './samplers';
import type { Workflow, WorkflowNode } from './workflow';

/**
 * The parameters of a run, read from the workflow's graph. Numbers and names are those of the base sampler: the first that
 * starts from an empty latent, or else the one where the first sampler's latent originates. A value that the graph does
 * not contain is null. Lists have no duplicates and at most 50 entries. Everything is plain JSON.
 *
 * @publicApi
 */
export interface GenerationFacts {
  /**
   * The positive texts of all samplers, in the order of the nodes and unchanged: not joined and not shortened, because
   * only the consumer knows its limits. Blank texts are left out.
   */
  readonly positive: readonly string[];
  readonly negative: readonly string[];
  /** Decimal digits, see `Seed`; without a sampler, the only seed of the workflow. */
  readonly seed: string | null;
  /** The seeds of all samplers, in the order of the nodes. */
  readonly seeds: readonly string[];
  /** Pixels of the empty latent, before any upscaling; null when the run starts from an image. */
  readonly width: number | null;
  readonly height: number | null;
  readonly steps: number | null;
  readonly cfg: number | null;
  /** ComfyUI's `sampler_name`. */
  readonly samplerName: string | null;
  readonly scheduler: string | null;
  readonly denoise: number | null;
  /** Checkpoints and diffusion models, as in the inputs of their loaders. */
  readonly models: readonly string[];
  /** In the order of application to the model. */
  readonly loras: readonly LoraFacts[];
  /** VAEs with a loader of their own. */
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
 * Reads the facts by following links back from the samplers, which are recognized by their inputs; ids, titles and class
 * names do not matter (except `ConditioningZeroOut`, which removes a text). A node on the way without an input of the type
 * in question counts as passing its inputs through, as reroutes and switches do; if a literal selects a branch, only that
 * branch counts.
 *
 * Samplers whose output is unused are left out unless all are: the graph alone does not show which nodes are output nodes.
 * In a workflow without samplers the texts are the `prompt`, `text`, `positive...` and `negative...` strings of nodes whose
 * output is used, the seeds are those of the same nodes, and the rest is null or empty.
 *
 * The time is linear in the size of the workflow, and no graph that `parseWorkflow` accepts makes it throw. A workflow with
 * more than 5,000 nodes gives no facts: reading it would block the event loop.
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
    positive: listOf(
      isSampled ? samplerTexts(workflow, samplers, 'positive') : textsWithoutSamplers(workflow, 'positive'),
    ),
    negative: listOf(
      isSampled ? samplerTexts(workflow, samplers, 'negative') : textsWithoutSamplers(workflow, 'negative'),
    ),
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
