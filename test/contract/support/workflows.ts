import { randomInt } from 'node:crypto';
import { checkpoint } from './server';
import { PromptBody } from './raw-client';

type Graph = PromptBody['prompt'];

const COLORS = 2 ** 24;

/** Saves an image of one colour. A unique colour prevents caching. */
export const flatPicture = (options: { prefix?: string; color?: number; size?: number } = {}): Graph => {
  const { prefix = 'contract', color = randomInt(COLORS), size = 64 } = options;
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: size, height: size, batch_size: 1, color } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  };
};

/** Takes long on a real server and on the simulator. */
export const longSampling = (): Graph => sampling({ seed: randomInt(COLORS), steps: 2000 });

export const sampling = ({
  seed,
  steps,
  text = 'a red fox',
}: {
  seed: number;
  steps: number;
  text?: string;
}): Graph => ({
  '3': {
    class_type: 'KSampler',
    inputs: {
      seed,
      steps,
      cfg: 8,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
    },
  },
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: checkpoint } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 128, height: 128, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text, clip: ['4', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: 'blurry', clip: ['4', 1] } },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': { class_type: 'SaveImage', inputs: { filename_prefix: 'contract', images: ['8', 0] } },
});
