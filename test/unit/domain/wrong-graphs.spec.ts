import { generationFacts } from '../../../src/domain/workflow/generation-facts';
import type { Workflow } from '../../../src/domain/workflow/workflow';
import { encode, graph, ksampler, node } from '../../support/graphs';

describe('invalid or huge graphs', () => {
  const chain = (length: number, input: string, end: unknown) =>
    Object.fromEntries(
      Array.from({ length }, (_, at) => {
        const link = at + 1 < length ? [`${input}${at + 1}`, 0] : end;
        return [`${input}${at}`, node('Pass', { [input]: link })];
      }),
    );

  it.each<[string, Workflow]>([
    ['cycles', graph({ a: node('Reroute', { x: ['b', 0] }), b: node('Reroute', { x: ['a', 0], y: ['positive', 0] }) })],
    [
      'links to missing nodes',
      graph({ a: node('ConditioningCombine', { conditioning_1: ['gone', 0], conditioning_2: ['positive', 0] }) }),
    ],
    ['links to members of every object', graph({ a: node('Reroute', { x: ['constructor', 0], y: ['positive', 0] }) })],
    [
      'values that are no links',
      graph({ a: node('Reroute', { w: [1, 0], x: [], y: ['positive', 0], z: null, v: { a: ['negative', 0] } }) }),
    ],
  ])('with %s yield the reachable facts', (_, workflow) => {
    const { sampler, ...rest } = workflow;
    const rerouted = { ...rest, sampler: node('KSampler', { ...sampler?.inputs, positive: ['a', 0] }) };
    expect(generationFacts(rerouted)).toMatchObject({ positive: ['a fox'], negative: ['blurry'] });
  });

  it('terminate if every link leads to its own node', () => {
    const self = ['sampler', 0];
    const links = { model: self, positive: self, negative: self, latent_image: self, seed: self, steps: self };
    expect(generationFacts(graph({}, links))).toMatchObject({ positive: [], seed: null, steps: null, cfg: 7.5 });
  });

  it('yield null for values of the wrong type', () => {
    const invalid = { seed: true, steps: {}, cfg: 'much', sampler_name: 3, scheduler: null, denoise: '' };
    expect(generationFacts(graph({}, invalid))).toMatchObject({
      seed: null,
      seeds: [],
      steps: null,
      cfg: null,
      samplerName: null,
      scheduler: null,
      denoise: null,
    });
  });

  it('are followed along a thousand nodes in each direction', () => {
    const workflow = graph(
      {
        ...chain(1_000, 'conditioning', ['positive', 0]),
        ...chain(1_000, 'model', ['ckpt', 0]),
        ...chain(1_000, 'samples', ['latent', 0]),
        ...chain(1_000, 'value', 77),
      },
      { positive: ['conditioning0', 0], model: ['model0', 0], latent_image: ['samples0', 0], seed: ['value0', 0] },
    );
    const expected = { positive: ['a fox'], models: ['sd15.safetensors'], width: 512, seed: '77' };
    expect(generationFacts(workflow)).toMatchObject(expected);
  });

  it('are walked once, for any number of samplers and paths', () => {
    const rungs = Array.from({ length: 900 }, (_, at) => [
      [`r${at}`, node('ConditioningCombine', { conditioning_1: [`r${at + 1}`, 0], conditioning_2: [`r${at + 1}`, 0] })],
      [
        `s${at}`,
        ksampler({ positive: [`r${at}`, 0], seed: ['value0', 0], model: ['lora0', 0], latent_image: ['samples0', 0] }),
      ],
      [
        `lora${at}`,
        node('LoraLoader', { model: [`lora${at + 1}`, 0], lora_name: 'same', strength_model: ['value0', 0] }),
      ],
    ]);
    const shared = { ...chain(900, 'samples', ['gone', 0]), ...chain(900, 'value', 5), r900: encode('one') };
    const started = performance.now();
    const facts = generationFacts({ ...Object.fromEntries(rungs.flat()), ...shared });
    expect(facts).toMatchObject({ positive: ['one'], seeds: ['5'], loras: [{ name: 'same', strengthModel: 5 }] });
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('yield no facts above 5,000 nodes', () => {
    const sampler = { positive: ['text', 0], seed: 5 };
    const nodesOf = (count: number) => graph({ text: encode('a fox'), ...chain(count, 'value', 5) }, sampler);
    expect(generationFacts(nodesOf(4_900))).toMatchObject({ positive: ['a fox'], seed: '5' });
    expect(generationFacts(nodesOf(5_001))).toEqual(generationFacts({}));
  });

  it('with very many links in one node are read', () => {
    const links = Array.from({ length: 130_000 }, (_, at) => [`conditioning_${at}`, ['gone', 0]]);
    const many = node('CombineMany', { ...Object.fromEntries(links), conditioning: ['positive', 0] });
    expect(generationFacts(graph({ many }, { positive: ['many', 0] })).positive).toEqual(['a fox']);
  });
});
