import type { Workflow, WorkflowNode } from '../../src/domain/workflow/workflow';

export const node = (class_type: string, inputs: Record<string, unknown> = {}): WorkflowNode => ({
  class_type,
  inputs,
});
export const encode = (text: unknown) => node('CLIPTextEncode', { text, clip: ['ckpt', 1] });

/** A KSampler with `positive` and `negative` on an empty latent, decoded; `changes` replace and add nodes. */
export function graph(changes: Workflow = {}, sampler: Record<string, unknown> = {}): Workflow {
  return {
    positive: encode('a fox'),
    negative: encode('blurry'),
    ckpt: node('CheckpointLoaderSimple', { ckpt_name: 'sd15.safetensors' }),
    latent: node('EmptyLatentImage', { width: 512, height: 768, batch_size: 1 }),
    sampler: ksampler(sampler),
    decode: node('VAEDecode', { samples: ['sampler', 0], vae: ['ckpt', 2] }),
    save: node('SaveImage', { images: ['decode', 0], filename_prefix: 'x' }),
    ...changes,
  };
}

export function ksampler(inputs: Record<string, unknown> = {}): WorkflowNode {
  return node('KSampler', {
    seed: 42,
    steps: 20,
    cfg: 7.5,
    sampler_name: 'euler',
    scheduler: 'karras',
    denoise: 1,
    model: ['ckpt', 0],
    positive: ['positive', 0],
    negative: ['negative', 0],
    latent_image: ['latent', 0],
    ...inputs,
  });
}
