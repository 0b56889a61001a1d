import { noise } from '../pictures/noise';
import { solid } from '../pictures/operations';
import { Images } from '../pictures/picture';
import { previewOf } from '../pictures/preview';
import { pythonStr } from '../python-values';
import { NodeDefinition } from './definition';
import { ExecutionBlocker } from './inputs';

/** Nodes that ComfyUI does not have, for tests and benchmarks. */
const pythonModule = 'simulator';
const category = 'simulator';

/** Incompressible images: 258 x 258 is a PNG of about 200 KB, 690 x 690 1.4 MB, 1634 x 1634 8 MB. */
const simulatedNoise: NodeDefinition = {
  classType: 'SimulatedNoise',
  displayName: 'Noise (simulated)',
  category,
  pythonModule,
  required: {
    width: ['INT', { default: 258, min: 1, max: 8192 }],
    height: ['INT', { default: 258, min: 1, max: 8192 }],
    seed: ['INT', { default: 0, min: 0, max: 2n ** 64n - 1n }],
    batch_size: ['INT', { default: 1, min: 1, max: 64 }],
  },
  outputs: ['IMAGE'],
  execute(inputs) {
    const seed = pythonStr(inputs.get('seed'));
    const [width, height] = [inputs.number('width'), inputs.number('height')];
    const frames = Array.from({ length: inputs.number('batch_size') }, (_, i) => noise(width, height, `${seed}/${i}`));
    return { outputs: [Images.of(frames)] };
  },
};

/** Waits for `seconds` of simulated time, in `steps` steps of a progress bar if there are any, and returns its input. */
const simulatedSleep: NodeDefinition = {
  classType: 'SimulatedSleep',
  displayName: 'Sleep (simulated)',
  category,
  pythonModule,
  required: {
    seconds: ['FLOAT', { default: 1, min: 0, max: 86400 }],
    steps: ['INT', { default: 0, min: 0, max: 10000 }],
    preview: ['BOOLEAN', { default: false }],
  },
  optional: { image: ['IMAGE'] },
  outputs: ['IMAGE'],
  async execute(inputs, context) {
    const value = inputs.get('image');
    const images = value instanceof Images ? value : Images.of([solid(64, 64, 0x808080)]);
    const steps = inputs.number('steps');
    const ms = inputs.number('seconds') * 1000;
    if (steps === 0) await context.work(ms);
    for (let step = 1; step <= steps; step++) {
      await context.work(ms / steps);
      const preview = inputs.flag('preview') ? await previewOf(images.frames[0], step, steps) : undefined;
      await context.progress(step, steps, preview);
    }
    return { outputs: [images] };
  },
};

/** Returns an ExecutionBlocker instead of its input. An empty message blocks silently. */
const simulatedBlocker: NodeDefinition = {
  classType: 'SimulatedBlocker',
  displayName: 'Blocker (simulated)',
  category,
  pythonModule,
  required: { image: ['IMAGE'], message: ['STRING', { default: '' }] },
  outputs: ['IMAGE'],
  execute: (inputs) => ({ outputs: [new ExecutionBlocker(inputs.text('message') || null)] }),
};

/** An output node without UI output. */
const simulatedSink: NodeDefinition = {
  classType: 'SimulatedSink',
  displayName: 'Sink (simulated)',
  category,
  pythonModule,
  isOutput: true,
  required: { source: ['*', {}] },
  execute: () => ({}),
};

export const simulatedNodes = [simulatedNoise, simulatedSleep, simulatedBlocker, simulatedSink] as const;
