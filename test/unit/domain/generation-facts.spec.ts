import { isObject, parseJson } from '../../../src/shared/json';
import { generationFacts } from '../../../src/domain/workflow/generation-facts';
import { noteNodeOrder } from '../../../src/domain/workflow/node-order';
import { parseWorkflow } from '../../../src/domain/workflow/parse-workflow';
import type { Workflow } from '../../../src/domain/workflow/workflow';
import { encode, graph, ksampler, node } from '../../support/graphs';
import { readTrace } from '../../support/traces';

function recordedWorkflow(name: string): Workflow {
  const body = readTrace(name).find(({ req }) => req === 'POST /prompt')?.body;
  return parseWorkflow(isObject(body) ? body.prompt : undefined);
}

describe('the facts of a generation', () => {
  it('are read from a workflow recorded with a real ComfyUI', () => {
    expect(generationFacts(recordedWorkflow('txt2img-first-run'))).toEqual({
      positive: ['a red fox in the snow'],
      negative: ['blurry'],
      seed: '156680208700286',
      seeds: ['156680208700286'],
      width: 128,
      height: 128,
      steps: 5,
      cfg: 8,
      samplerName: 'euler',
      scheduler: 'normal',
      denoise: 1,
      models: ['v1-5-pruned-emaonly.safetensors'],
      loras: [],
      vaes: [],
    });
  });

  it('come from the links, not from the ids, titles or order of the nodes', () => {
    const workflow = {
      '6': { ...node('CLIPTextEncode', { text: 'ugly', clip: ['4', 1] }), _meta: { title: 'Positive Prompt' } },
      '7': { ...node('CLIPTextEncode', { text: 'a swan', clip: ['4', 1] }), _meta: { title: 'Negative Prompt' } },
      '4': node('CheckpointLoaderSimple', { ckpt_name: 'x.ckpt' }),
      '3': ksampler({ model: ['4', 0], positive: ['7', 0], negative: ['6', 0], latent_image: ['5', 0] }),
      '8': node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }),
    };
    expect(generationFacts(workflow)).toMatchObject({ positive: ['a swan'], negative: ['ugly'], width: null });
  });

  it('are all null or empty for a workflow that contains none', () => {
    const facts = generationFacts({ '1': node('LoadImage', { image: 'in.png' }) });
    expect(new Set(Object.values(facts).flat())).toEqual(new Set([null]));
  });

  it('survive a JSON round trip, also with seeds that a double cannot hold', () => {
    const workflow = parseWorkflow(parseJson(JSON.stringify(graph()).replace('42', '18446744073709551615')));
    const facts = generationFacts(workflow);
    expect(facts.seed).toBe('18446744073709551615');
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });
});

describe('several samplers', () => {
  const { seed: _seed, ...advanced } = ksampler().inputs;
  const refiner = {
    refinerCkpt: node('CheckpointLoaderSimple', { ckpt_name: 'refiner.safetensors' }),
    refinerText: node('CLIPTextEncodeSDXLRefiner', { text: 'a fox, detailed', ascore: 6, width: 2048, height: 2048 }),
    refiner: node('KSamplerAdvanced', {
      ...advanced,
      noise_seed: 7,
      steps: 30,
      model: ['refinerCkpt', 0],
      positive: ['refinerText', 0],
      latent_image: ['sampler', 0],
    }),
    decode: node('VAEDecode', { samples: ['refiner', 0], vae: ['ckpt', 2] }),
  };

  it('yield all texts, seeds and models in the order of the nodes, and the settings of the base sampler', () => {
    const facts = generationFacts({ refiner: refiner.refiner, ...graph(refiner) });
    expect(facts).toMatchObject({
      positive: ['a fox, detailed', 'a fox'],
      negative: ['blurry'],
      seed: '42',
      seeds: ['7', '42'],
      steps: 20,
      width: 512,
      height: 768,
      models: ['refiner.safetensors', 'sd15.safetensors'],
    });
  });

  it('keep the order of the submitted nodes, also where JavaScript sorts their ids', () => {
    const text = `{"prompt":{
      "9":{"class_type":"KSampler","inputs":{"seed":9,"model":["m",0],"positive":["p",0],"latent_image":["l",0]}},
      "1":{"class_type":"KSampler","inputs":{"seed":1,"model":["m",0],"positive":["p",0],"latent_image":["9",0]}},
      "2":{"class_type":"VAEDecode","inputs":{"samples":["1",0]}}}}`;
    const body = parseJson(text) as { prompt: unknown };
    noteNodeOrder(body, text);
    expect(generationFacts(parseWorkflow(body.prompt)).seeds).toEqual(['9', '1']);
  });

  it('yield the size before upscaling', () => {
    const workflow = {
      second: ksampler({ seed: 2, denoise: 0.5, latent_image: ['larger', 0] }),
      larger: node('LatentUpscale', { samples: ['sampler', 0], width: 1024, height: 1536, upscale_method: 'bicubic' }),
      ...graph({ decode: node('VAEDecode', { samples: ['second', 0], vae: ['ckpt', 2] }) }),
    };
    expect(generationFacts(workflow)).toMatchObject({ width: 512, height: 768, seed: '42', denoise: 1 });
  });

  it('without an empty latent, yield the settings of the earliest sampler', () => {
    const workflow = {
      second: ksampler({ seed: 2, latent_image: ['encode', 0] }),
      encode: node('VAEEncode', { pixels: ['scale', 0], vae: ['ckpt', 2] }),
      scale: node('ImageScale', { image: ['decode', 0], width: 2048, height: 2048, crop: 'disabled' }),
      ...graph({
        latent: node('VAEEncode', { pixels: ['load', 0], vae: ['ckpt', 2] }),
        load: node('LoadImage', { image: 'a' }),
      }),
      save: node('PreviewLatent', { samples: ['second', 0] }),
    };
    expect(generationFacts(workflow)).toMatchObject({ seed: '42', width: null, height: null });
  });

  it('count only if their output is used, unless all are unused', () => {
    const unused = graph({ unused: ksampler({ seed: 5, positive: ['other', 0] }), other: encode('not made') });
    expect(generationFacts(unused)).toMatchObject({ positive: ['a fox'], seeds: ['42'] });
    const { decode: _, ...bare } = graph();
    expect(generationFacts(bare)).toMatchObject({ positive: ['a fox'], seeds: ['42'] });
  });

  it('are recognized by their inputs, not by their class', () => {
    const detailer = node('FaceDetailer', {
      ...ksampler({ seed: 3 }).inputs,
      image: ['decode', 0],
      latent_image: undefined,
    });
    const workflow = graph({ face: detailer, save: node('SaveImage', { images: ['face', 0] }) });
    expect(generationFacts(workflow)).toMatchObject({ seeds: ['42', '3'], seed: '42' });
  });
});

describe('linked values', () => {
  it('are read from primitives, through nodes that pass them on', () => {
    const workflow = graph(
      {
        latent: node('EmptyLatentImage', { width: ['w', 0], height: ['reroute', 0], batch_size: 1 }),
        w: node('PrimitiveInt', { value: 640 }),
        reroute: node('Reroute', { '': ['again', 0] }),
        again: node('ReroutePrimitive|pysssss', { value: ['w', 0] }),
        seed: node('Seed (rgthree)', { seed: 99 }),
        sampler_name: node('Sampler Selector', { sampler_name: 'dpmpp_2m' }),
      },
      { seed: ['seed', 0], sampler_name: ['sampler_name', 0], steps: '25' },
    );
    const expected = { width: 640, height: 640, seed: '99', seeds: ['99'], samplerName: 'dpmpp_2m', steps: 25 };
    expect(generationFacts(workflow)).toMatchObject(expected);
  });

  it('are null where a node computes them', () => {
    const size = node('GetImageSize', { image: ['load', 0] });
    const workflow = graph({
      size,
      latent: node('EmptyLatentImage', { width: ['size', 0], height: ['maths', 0] }),
      maths: node('MathExpression', { expression: 'a * 2', a: 512 }),
    });
    expect(generationFacts(workflow)).toMatchObject({ width: null, height: null, steps: 20 });
  });
});

describe('a workflow without samplers', () => {
  it('yields the texts and the seed of its nodes', () => {
    const workflow = {
      api: node('KlingTextToVideoNode', { prompt: 'a wave', negative_prompt: ['n', 0], seed: 3, model_name: 'v2' }),
      n: node('PrimitiveString', { value: 'calm' }),
      save: node('SaveVideo', { video: ['api', 0], filename_prefix: 'x' }),
      unused: node('CLIPTextEncode', { text: 'unused' }),
    };
    const expected = { positive: ['a wave'], negative: ['calm'], seed: '3', models: [], steps: null };
    expect(generationFacts(workflow)).toMatchObject(expected);
  });

  it('yields no single seed if there are several', () => {
    const workflow = { a: node('A', { seed: 1, x: ['b', 0] }), b: node('B', { seed: 2, x: ['a', 0] }) };
    expect(generationFacts(workflow)).toMatchObject({ seed: null, seeds: ['1', '2'] });
  });

  it('yields neither size nor model for an upscaled image', () => {
    const workflow = {
      '1': node('LoadImage', { image: 'in.png' }),
      '2': node('UpscaleModelLoader', { model_name: '4x.pth' }),
      '3': node('ImageUpscaleWithModel', { upscale_model: ['2', 0], image: ['1', 0] }),
      '4': node('SaveImage', { images: ['3', 0], filename_prefix: 'x' }),
    };
    expect(generationFacts(workflow)).toMatchObject({ positive: [], models: [], width: null });
  });
});
