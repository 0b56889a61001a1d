import { generationFacts } from '../../../src/domain/workflow/generation-facts';
import type { Workflow } from '../../../src/domain/workflow/workflow';
import { encode, graph, node } from '../../support/graphs';

describe('the prompt texts', () => {
  const controlNet = (changes: Record<string, unknown> = {}) =>
    node('ControlNetApplyAdvanced', {
      positive: ['positive', 0],
      negative: ['negative', 0],
      control_net: ['net', 0],
      image: ['picture', 0],
      strength: 1,
      ...changes,
    });

  it('keep their sides behind a ControlNet, by its output slots', () => {
    const straight = graph({ net: controlNet() }, { positive: ['net', 0], negative: ['net', 1] });
    expect(generationFacts(straight)).toMatchObject({ positive: ['a fox'], negative: ['blurry'] });
    const crossed = graph({ net: controlNet() }, { positive: ['net', 1], negative: ['net', 0] });
    expect(generationFacts(crossed)).toMatchObject({ positive: ['blurry'], negative: ['a fox'] });
  });

  it('keep their sides behind a chain of ControlNets and video conditioning', () => {
    const workflow = graph(
      {
        wan: node('WanImageToVideo', {
          positive: ['b', 0],
          negative: ['b', 1],
          vae: ['v', 0],
          width: 832,
          height: 480,
        }),
        b: controlNet({ positive: ['a', 0], negative: ['a', 1] }),
        a: controlNet(),
      },
      { positive: ['wan', 0], negative: ['wan', 1], latent_image: ['wan', 2] },
    );
    expect(generationFacts(workflow)).toMatchObject({
      positive: ['a fox'],
      negative: ['blurry'],
      width: 832,
      height: 480,
    });
  });

  it.each<[string, Workflow, string[]]>([
    [
      'ConditioningCombine',
      { top: node('ConditioningCombine', { conditioning_1: ['more', 0], conditioning_2: ['positive', 0] }) },
      ['in snow', 'a fox'],
    ],
    [
      'ConditioningConcat',
      { top: node('ConditioningConcat', { conditioning_to: ['positive', 0], conditioning_from: ['more', 0] }) },
      ['a fox', 'in snow'],
    ],
    [
      'ConditioningSetArea',
      { top: node('ConditioningSetArea', { conditioning: ['positive', 0], width: 64 }) },
      ['a fox'],
    ],
    [
      'unCLIPConditioning',
      { top: node('unCLIPConditioning', { conditioning: ['positive', 0], clip_vision_output: ['vision', 0] }) },
      ['a fox'],
    ],
    ['a reroute', { top: node('Reroute', { '': ['positive', 0] }) }, ['a fox']],
    [
      'a switch that is set',
      { top: node('ComfySwitchNode', { switch: true, on_false: ['positive', 0], on_true: ['more', 0] }) },
      ['in snow'],
    ],
    [
      'a switch with a selected input',
      { top: node('ImpactSwitch', { select: 1, input1: ['positive', 0], input2: ['more', 0] }) },
      ['a fox'],
    ],
  ])('are found through %s', (_, nodes, positive) => {
    const workflow = graph({ more: encode('in snow'), ...nodes }, { positive: ['top', 3] });
    expect(generationFacts(workflow)).toMatchObject({ positive, negative: ['blurry'] });
  });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['CLIPTextEncodeSDXL', { text_g: 'wide', text_l: 'close', width: 1024 }, ['wide', 'close']],
    ['CLIPTextEncodeSDXL', { text_g: 'same', text_l: 'same' }, ['same']],
    ['CLIPTextEncodeFlux', { clip_l: 'tags', t5xxl: 'a sentence', guidance: 3.5 }, ['tags', 'a sentence']],
    ['CLIPTextEncodeSD3', { clip_l: 'l', clip_g: 'g', t5xxl: '', empty_padding: 'none' }, ['l', 'g']],
    ['CLIPTextEncodeLumina2', { system_prompt: 'superior', user_prompt: 'a dog' }, ['a dog']],
    ['TextEncodeQwenImageEdit', { prompt: 'make it red', image: ['picture', 0] }, ['make it red']],
    ['CLIPTextEncodeControlnet', { text: 'and a tree', conditioning: ['negative', 0] }, ['and a tree', 'blurry']],
    ['CLIPTextEncode', { text: ['more', 0, 1], clip: ['ckpt', 1] }, []],
    ['CLIPTextEncode', { text: 7 }, []],
  ])('are the strings of %s that are text (%j)', (class_type, inputs, positive) => {
    expect(generationFacts(graph({ positive: node(class_type, inputs) })).positive).toEqual(positive);
  });

  it.each<[string, Workflow, string[]]>([
    ['a primitive', { top: node('PrimitiveStringMultiline', { value: 'a\nhare' }) }, ['a\nhare']],
    [
      'a concatenation, in the order of its inputs',
      {
        top: node('StringConcatenate', { string_a: ['end', 0], string_b: 'running', delimiter: ', ' }),
        end: node('PrimitiveString', { value: 'a hare' }),
      },
      ['a hare', 'running'],
    ],
    [
      'a replacement, without its search text',
      { top: node('StringReplace', { string: 'a hare', find: 'x', replace: 'y' }) },
      ['a hare'],
    ],
    [
      'a node that displays it, without the text displayed last time',
      {
        top: node('ShowText|pysssss', { text: ['end', 0], text_0: 'old' }),
        end: node('String Literal', { string: 'new' }),
      },
      ['new'],
    ],
    ['a node that captions an image, which contains no text', { top: node('Captioner', { image: ['decode', 0] }) }, []],
  ])('are taken from %s', (_, nodes, positive) => {
    const workflow = graph({ positive: encode(['top', 0]), ...nodes });
    expect(generationFacts(workflow).positive).toEqual(positive);
  });

  it('keep their sides behind pipes and loaders, whose first two slots are not the two sides', () => {
    const piped = graph(
      {
        pipe: node('ToBasicPipe', { model: ['ckpt', 0], positive: ['positive', 0], negative: ['negative', 0] }),
        from: node('FromBasicPipe', { basic_pipe: ['edit', 0] }),
        edit: node('EditBasicPipe', { basic_pipe: ['pipe', 0], positive: ['other', 0] }),
        other: encode('a hare'),
      },
      { positive: ['from', 3], negative: ['from', 4] },
    );
    expect(generationFacts(piped)).toMatchObject({ positive: ['a hare'], negative: ['blurry'] });
    const loader = node('Efficient Loader', { ckpt_name: 'x.safetensors', positive: 'a swan', negative: 'ugly' });
    const loaded = graph({ loader }, { positive: ['loader', 1], negative: ['loader', 2] });
    expect(generationFacts(loaded)).toMatchObject({ positive: ['a swan'], negative: ['ugly'] });
  });

  it('are empty behind ConditioningZeroOut', () => {
    const workflow = graph(
      { zero: node('ConditioningZeroOut', { conditioning: ['positive', 0] }) },
      { negative: ['zero', 0] },
    );
    expect(generationFacts(workflow)).toMatchObject({ positive: ['a fox'], negative: [] });
  });

  it('are at most 50 per side, each complete', () => {
    const texts = Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(10_000)}`);
    const encoders = texts.map((text, index) => [`e${index}`, encode(text)] as const);
    const inputs = texts.map((__, index) => [`conditioning_${index}`, [`e${index}`, 0]] as const);
    const all = node('CombineMany', Object.fromEntries(inputs));
    const workflow = graph({ all, ...Object.fromEntries(encoders) }, { positive: ['all', 0] });
    expect(generationFacts(workflow).positive).toEqual(texts.slice(0, 50));
  });
});
