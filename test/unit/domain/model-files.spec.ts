import { generationFacts } from '../../../src/domain/workflow/generation-facts';
import { graph, node } from '../../support/graphs';

describe('models and LoRAs', () => {
  const lora = (name: string, model: string, strength = 1) =>
    node('LoraLoader', {
      model: [model, 0],
      clip: [model, 1],
      lora_name: name,
      strength_model: strength,
      strength_clip: 0.5,
    });

  it('are found along the chain of loaders and patches, LoRAs in the order of application', () => {
    const workflow = graph(
      {
        freeu: node('FreeU_V2', { model: ['b', 0], b1: 1.3, b2: 1.4, s1: 0.9, s2: 0.2 }),
        b: lora('b.safetensors', 'shift', 0.8),
        shift: node('ModelSamplingSD3', { model: ['a', 0], shift: 3 }),
        a: node('LoraLoaderModelOnly', { model: ['ckpt', 0], lora_name: 'a.safetensors', strength_model: ['half', 0] }),
        half: node('PrimitiveFloat', { value: 0.5 }),
      },
      { model: ['freeu', 0] },
    );
    expect(generationFacts(workflow)).toMatchObject({
      models: ['sd15.safetensors'],
      loras: [
        { name: 'a.safetensors', strengthModel: 0.5, strengthClip: null },
        { name: 'b.safetensors', strengthModel: 0.8, strengthClip: 0.5 },
      ],
    });
  });

  it('exclude files that no sampler uses', () => {
    const workflow = graph({
      unused: lora('unused.safetensors', 'ckpt'),
      net: node('UpscaleModelLoader', { model_name: '4x.pth' }),
    });
    expect(generationFacts(workflow)).toMatchObject({ models: ['sd15.safetensors'], loras: [] });
  });

  it('exclude files that extend a model', () => {
    const motion = node('ADE_AnimateDiffLoaderWithContext', { model: ['ckpt', 0], model_name: 'mm_sd_v15_v2.ckpt' });
    expect(generationFacts(graph({ motion }, { model: ['motion', 0] })).models).toEqual(['sd15.safetensors']);
  });

  it('include all models of a merge, and those in other loaders', () => {
    const workflow = graph(
      {
        merge: node('ModelMergeSimple', { model1: ['gguf', 0], model2: ['ckpt', 0], ratio: 0.5 }),
        gguf: node('UnetLoaderGGUF', { unet_name: 'q4.gguf' }),
      },
      { model: ['merge', 0] },
    );
    expect(generationFacts(workflow).models).toEqual(['q4.gguf', 'sd15.safetensors']);
  });

  it('include the enabled LoRAs of stacks', () => {
    const workflow = graph(
      {
        power: node('Power Lora Loader (rgthree)', {
          model: ['apply', 0],
          lora_1: { on: true, lora: 'p.safetensors', strength: 0.7 },
          lora_2: { on: false, lora: 'off.safetensors', strength: 1 },
        }),
        apply: node('CR Apply LoRA Stack', { model: ['ckpt', 0], clip: ['ckpt', 1], lora_stack: ['stack', 0] }),
        stack: node('CR LoRA Stack', {
          switch_1: 'On',
          lora_name_1: 's.safetensors',
          model_weight_1: 0.7,
          clip_weight_1: 0.69,
          switch_2: 'Off',
          lora_name_2: 'off.safetensors',
          lora_name_3: 'None',
        }),
      },
      { model: ['power', 0] },
    );
    expect(generationFacts(workflow).loras).toEqual([
      { name: 's.safetensors', strengthModel: 0.7, strengthClip: 0.69 },
      { name: 'p.safetensors', strengthModel: 0.7, strengthClip: 0.7 },
    ]);
  });

  it('include VAEs with a loader of their own', () => {
    const vae = node('VAELoader', { vae_name: 'ft-mse.safetensors' });
    const workflow = graph({ vae, decode: node('VAEDecode', { samples: ['sampler', 0], vae: ['vae', 0] }) });
    expect(generationFacts(workflow).vaes).toEqual(['ft-mse.safetensors']);
  });
});
