import { ComfyUIError } from '../../../src/domain/errors';
import { parseWorkflow } from '../../../src/domain/workflow/parse-workflow';

function refusal(value: unknown): ComfyUIError {
  try {
    parseWorkflow(value);
  } catch (error) {
    if (error instanceof ComfyUIError) return error;
    throw error;
  }
  throw new Error('The workflow was accepted.');
}

describe('parseWorkflow', () => {
  it('returns an API-format workflow unchanged', () => {
    const workflow = { '1': { class_type: 'EmptyImage', inputs: { width: 8 }, _meta: { title: 'Empty' } } };
    expect(parseWorkflow(workflow)).toEqual(workflow);
  });

  it('adds empty inputs to a node without inputs', () => {
    expect(parseWorkflow({ '1': { class_type: 'A' } })).toEqual({ '1': { class_type: 'A', inputs: {} } });
  });

  it('drops the other fields of a request body, but not a node with such an id', () => {
    const node = { class_type: 'A', inputs: {} };
    expect(parseWorkflow({ '1': node, client_id: 'me', extra_data: {}, prompt: node })).toEqual({
      '1': node,
      prompt: node,
    });
  });

  it('keeps seeds above 2^53 that are bigints or strings', () => {
    const inputs = { seed: 18446744073709551615n, other: '18446744073709551615' };
    expect(parseWorkflow({ '1': { class_type: 'A', inputs } })).toEqual({ '1': { class_type: 'A', inputs } });
  });

  it('refuses an integer that lost digits and asks for a string', () => {
    const { code, message, details } = refusal({ '3': { class_type: 'A', inputs: { seed: 2 ** 60 } } });
    expect(code).toBe('invalid_request');
    expect(message).toContain('Input seed of node 3');
    expect(message).toContain('send it as a string');
    expect(details).toEqual({ nodeId: '3', input: 'seed' });
  });

  it('explains how to export the API format if the workflow is in the UI format', () => {
    expect(refusal({ nodes: [{ id: 1 }], links: [], version: 0.4 }).message).toContain('Export (API)');
  });

  it.each([
    ['nothing', undefined, 'missing'],
    ['null', null, 'null'],
    ['an array', [], 'an array'],
    ['JSON in a string', '{"1":{}}', 'send the JSON object itself'],
    ['an empty object', {}, 'no nodes'],
    ['a node that is no object', { '1': 5 }, 'Node 1 is a number'],
    ['a node without class_type', { '1': { inputs: {} } }, 'Node 1 has no class_type'],
    ['inputs that are a list', { '1': { class_type: 'A', inputs: [] } }, 'inputs of node 1 are an array'],
    ['an input that is not finite', { '1': { class_type: 'A', inputs: { x: Infinity } } }, 'not a finite number'],
  ])('refuses %s', (_what, value, sentence) => {
    const { code, message } = refusal(value);
    expect(code).toBe('invalid_request');
    expect(message).toContain(sentence);
  });

  it('refuses values nested too deeply, in inputs and in other fields of a node', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`);
    expect(refusal({ '1': { class_type: 'A', inputs: { deep } } }).message).toContain('nested too deeply');
    expect(refusal({ '1': { class_type: 'A', inputs: {}, extra: deep } }).message).toContain('nested too deeply');
  });

  it('has no line breaks of a node id in its messages', () => {
    expect(refusal({ 'a\nb': 5 }).message).not.toContain('\n');
  });
});
