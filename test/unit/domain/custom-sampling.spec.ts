import { generationFacts } from '../../../src/domain/workflow/generation-facts';
import type { Workflow } from '../../../src/domain/workflow/workflow';
import { node } from '../../support/graphs';

/** The graph of ComfyUI's Flux example, with SamplerCustomAdvanced. */
function fluxGraph(changes: Workflow = {}): Workflow {
  return {
    '6': node('CLIPTextEncode', { text: 'a cat', clip: ['11', 0] }),
    '8': node('VAEDecode', { samples: ['13', 0], vae: ['10', 0] }),
    '9': node('SaveImage', { images: ['8', 0], filename_prefix: 'flux' }),
    '10': node('VAELoader', { vae_name: 'ae.safetensors' }),
    '11': node('DualCLIPLoader', { clip_name1: 't5xxl.safetensors', clip_name2: 'clip_l.safetensors', type: 'flux' }),
    '12': node('UNETLoader', { unet_name: 'flux1-dev.safetensors', weight_dtype: 'default' }),
    '13': node('SamplerCustomAdvanced', {
      noise: ['25', 0],
      guider: ['22', 0],
      sampler: ['16', 0],
      sigmas: ['17', 0],
      latent_image: ['27', 0],
    }),
    '16': node('KSamplerSelect', { sampler_name: 'euler' }),
    '17': node('BasicScheduler', { scheduler: 'simple', steps: 25, denoise: 1, model: ['30', 0] }),
    '22': node('BasicGuider', { model: ['30', 0], conditioning: ['26', 0] }),
    '25': node('RandomNoise', { noise_seed: 219670278747233 }),
    '26': node('FluxGuidance', { guidance: 3.5, conditioning: ['6', 0] }),
    '27': node('EmptySD3LatentImage', { width: 1024, height: 576, batch_size: 1 }),
    '30': node('ModelSamplingFlux', { max_shift: 1.15, base_shift: 0.5, width: 64, height: 64, model: ['12', 0] }),
    ...changes,
  };
}

describe('a graph with SamplerCustomAdvanced', () => {
  it('has its settings in the nodes that it is split into', () => {
    expect(generationFacts(fluxGraph())).toEqual({
      positive: ['a cat'],
      negative: [],
      seed: '219670278747233',
      seeds: ['219670278747233'],
      width: 1024,
      height: 576,
      steps: 25,
      cfg: null,
      samplerName: 'euler',
      scheduler: 'simple',
      denoise: 1,
      models: ['flux1-dev.safetensors'],
      loras: [],
      vaes: ['ae.safetensors'],
    });
  });

  it('has both sides and cfg in its guider, and the whole schedule before a split', () => {
    const workflow = fluxGraph({
      '13': node('SamplerCustomAdvanced', {
        noise: ['25', 0],
        guider: ['22', 0],
        sampler: ['16', 0],
        sigmas: ['18', 1],
        latent_image: ['27', 0],
      }),
      '18': node('SplitSigmasDenoise', { sigmas: ['17', 0], denoise: 0.3 }),
      '22': node('CFGGuider', { model: ['12', 0], positive: ['6', 0], negative: ['7', 0], cfg: 4.5 }),
      '7': node('CLIPTextEncode', { text: 'a dog', clip: ['11', 0] }),
    });
    expect(generationFacts(workflow)).toMatchObject({ positive: ['a cat'], negative: ['a dog'], cfg: 4.5, denoise: 1 });
  });

  it('distinguishes the three conditionings of a DualCFGGuider', () => {
    const workflow = fluxGraph({
      '22': node('DualCFGGuider', {
        model: ['12', 0],
        cond1: ['6', 0],
        cond2: ['7', 0],
        negative: ['5', 0],
        cfg_conds: 2,
      }),
      '7': node('CLIPTextEncode', { text: 'a dog', clip: ['11', 0] }),
      '5': node('CLIPTextEncode', { text: 'bad', clip: ['11', 0] }),
    });
    expect(generationFacts(workflow)).toMatchObject({ positive: ['a cat', 'a dog'], negative: ['bad'], cfg: 2 });
  });
});
