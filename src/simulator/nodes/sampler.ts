import { landscape } from '../pictures/landscape';
import { Images, Picture } from '../pictures/picture';
import { previewOf } from '../pictures/preview';
import { pythonStr } from '../python-values';
import { InputSpec, NodeContext, NodeDefinition } from './definition';
import { NodeInputs } from './inputs';
import { SAMPLERS, SCHEDULERS } from './sampler-names';

/** Simulated milliseconds: twenty steps take about four seconds. */
const STEP = 190;
const LOADING = 600;
const ENCODING = 60;
const DECODING = 200;

class Model {
  constructor(readonly name: string) {}
}

class Conditioning {
  constructor(readonly text: string) {}
}

export class Latent {
  constructor(
    readonly width: number,
    readonly height: number,
    readonly count: number,
    readonly pictures?: readonly Picture[],
  ) {}
}

const checkpointLoader: NodeDefinition = {
  classType: 'CheckpointLoaderSimple',
  displayName: 'Load Checkpoint',
  category: 'loaders',
  pythonModule: 'nodes',
  required: { ckpt_name: ({ checkpoints }) => [checkpoints, {}] },
  outputs: ['MODEL', 'CLIP', 'VAE'],
  async execute(inputs, context) {
    await context.work(LOADING);
    const model = new Model(inputs.text('ckpt_name'));
    return { outputs: [model, model, model] };
  },
};

const loraLoader: NodeDefinition = {
  classType: 'LoraLoader',
  displayName: 'Load LoRA',
  category: 'loaders',
  pythonModule: 'nodes',
  required: {
    model: ['MODEL', {}],
    clip: ['CLIP', {}],
    lora_name: ({ loras }) => [loras, {}],
    strength_model: ['FLOAT', { default: 1, min: -100, max: 100, step: 0.01 }],
    strength_clip: ['FLOAT', { default: 1, min: -100, max: 100, step: 0.01 }],
  },
  outputs: ['MODEL', 'CLIP'],
  execute: (inputs) => ({ outputs: [inputs.get('model'), inputs.get('clip')] }),
};

const textEncode: NodeDefinition = {
  classType: 'CLIPTextEncode',
  displayName: 'CLIP Text Encode (Prompt)',
  category: 'conditioning',
  pythonModule: 'nodes',
  required: { text: ['STRING', { multiline: true, dynamicPrompts: true }], clip: ['CLIP', {}] },
  outputs: ['CONDITIONING'],
  async execute(inputs, context) {
    inputs.instanceOf('clip', Model, 'tokenize');
    await context.work(ENCODING);
    return { outputs: [new Conditioning(inputs.text('text'))] };
  },
};

const latentSide: InputSpec = ['INT', { default: 512, min: 16, max: 16384, step: 8 }];

const emptyLatent: NodeDefinition = {
  classType: 'EmptyLatentImage',
  displayName: 'Empty Latent Image',
  category: 'latent',
  pythonModule: 'nodes',
  required: { width: latentSide, height: latentSide, batch_size: ['INT', { default: 1, min: 1, max: 4096 }] },
  outputs: ['LATENT'],
  execute(inputs) {
    // A latent has an eighth of the size of the image, so odd sizes are rounded down.
    const eighth = (name: string): number => Math.floor(inputs.number(name) / 8) * 8;
    return { outputs: [new Latent(eighth('width'), eighth('height'), inputs.number('batch_size'))] };
  },
};

function generate(inputs: NodeInputs, latent: Latent): Picture[] {
  const positive = inputs.instanceOf('positive', Conditioning, 'copy').text;
  const negative = inputs.instanceOf('negative', Conditioning, 'copy').text;
  const seed = pythonStr(inputs.get('seed'));
  return Array.from({ length: latent.count }, (_, index) => {
    const { width, height } = latent;
    return landscape({ width, height, seed: index === 0 ? seed : `${seed}+${index}`, positive, negative });
  });
}

async function sample(pictures: readonly Picture[], steps: number, context: NodeContext): Promise<void> {
  for (let step = 1; step <= steps; step++) {
    await context.work(STEP);
    const [first] = pictures;
    const preview = context.previews && first !== undefined ? await previewOf(first, step, steps) : undefined;
    await context.progress(step, steps, preview);
  }
}

const kSampler: NodeDefinition = {
  classType: 'KSampler',
  displayName: 'KSampler',
  category: 'sampling',
  pythonModule: 'nodes',
  required: {
    model: ['MODEL', {}],
    seed: ['INT', { default: 0, min: 0, max: 2n ** 64n - 1n, control_after_generate: true }],
    steps: ['INT', { default: 20, min: 1, max: 10000 }],
    cfg: ['FLOAT', { default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }],
    sampler_name: [SAMPLERS, {}],
    scheduler: [SCHEDULERS, {}],
    positive: ['CONDITIONING', {}],
    negative: ['CONDITIONING', {}],
    latent_image: ['LATENT', {}],
    denoise: ['FLOAT', { default: 1, min: 0, max: 1, step: 0.01 }],
  },
  outputs: ['LATENT'],
  async execute(inputs, context) {
    const latent = inputs.instanceOf('latent_image', Latent, 'copy');
    const pictures = generate(inputs, latent);
    await sample(pictures, inputs.number('steps'), context);
    return { outputs: [new Latent(latent.width, latent.height, latent.count, pictures)] };
  },
};

const vaeDecode: NodeDefinition = {
  classType: 'VAEDecode',
  displayName: 'VAE Decode',
  category: 'latent',
  pythonModule: 'nodes',
  required: { samples: ['LATENT', {}], vae: ['VAE', {}] },
  outputs: ['IMAGE'],
  async execute(inputs, context) {
    inputs.instanceOf('vae', Model, 'decode');
    const { width, height, count, pictures } = inputs.instanceOf('samples', Latent, 'shape');
    await context.work(DECODING);
    const grey = landscape({ width, height, seed: 'empty', positive: '', negative: '' });
    return { outputs: [Images.of(pictures ?? Array.from({ length: count }, () => grey))] };
  },
};

export const samplerNodes = [checkpointLoader, loraLoader, textEncode, emptyLatent, kSampler, vaeDecode] as const;
