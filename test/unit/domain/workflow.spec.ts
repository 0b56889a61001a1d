import { requirementsOf } from '../../../src/domain/workflow/requirements';
import { nodeIdsOf, noteNodeOrder } from '../../../src/domain/workflow/node-order';
import { parseWorkflow } from '../../../src/domain/workflow/parse-workflow';
import { seedsOf } from '../../../src/domain/workflow/seeds';
import { readWorkflow, writeWorkflow } from '../../../src/domain/workflow/workflow-text';
import { parseJson } from '../../../src/shared/json';

const BODY = `{"prompt":{
  "9":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"model":["4",0],"text":"a \\"b\\" \u00e4\u2028"}},
  "4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"sdxl.safetensors"}},
  "1":{"class_type":"KSampler","inputs":{"noise_seed":"42","seed":["9",0]}},
  "a":{"class_type":"LoraLoader","inputs":{"lora_name":"x/y.SAFETENSORS","ckpt_name":"sdxl.safetensors"}}
}}`;

function submitted() {
  const body = parseJson(BODY) as { prompt: unknown };
  noteNodeOrder(body, BODY);
  return parseWorkflow(body.prompt);
}

describe('the requirements of a workflow', () => {
  it('are its node classes, the requested labels, and its model files', () => {
    expect(requirementsOf(submitted(), ['b', 'a', 'b'])).toEqual({
      classes: ['CheckpointLoaderSimple', 'KSampler', 'LoraLoader'],
      labels: ['a', 'b'],
      models: ['sdxl.safetensors', 'x/y.SAFETENSORS'],
    });
  });
});

describe('the seeds of a workflow', () => {
  it('are exact, in the order of the nodes, and exclude links', () => {
    expect(seedsOf(submitted())).toEqual([
      { nodeId: '9', value: '18446744073709551615' },
      { nodeId: '1', value: '42' },
    ]);
  });

  it('exclude values that are no digits', () => {
    const workflow = { '1': { class_type: 'A', inputs: { seed: 'random', noise_seed: null } } };
    expect(seedsOf(workflow)).toEqual([]);
  });
});

describe('a workflow as text', () => {
  it('survives a round trip with the order of its nodes and every digit', () => {
    const restored = readWorkflow(writeWorkflow(submitted()));
    expect(restored).toEqual(submitted());
    expect(nodeIdsOf(restored)).toEqual(['9', '4', '1', 'a']);
    expect(writeWorkflow(restored)).toBe(writeWorkflow(submitted()));
  });
});
