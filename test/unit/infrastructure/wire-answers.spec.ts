import {
  findInQueue,
  readHistory,
  readQueue,
  readRefusal,
  readSubmission,
  readSystemStats,
} from '../../../src/infrastructure/comfyui/wire-answers';
import { readTrace } from '../../support/traces';

const answerOf = (trace: string) => readTrace(trace).find(({ status }) => status !== undefined)?.body;

describe('the answer of POST /prompt', () => {
  it('is read with the nodes that were left out', () => {
    expect(readSubmission(answerOf('partially-valid-submit'))).toMatchObject({
      promptId: '2512e3fa-b9d0-47c5-94b2-bb5811f9a688',
      number: 11,
      nodeErrors: { 4: { problems: [{ type: 'custom_validation_failed' }] } },
    });
  });

  it('names node, class, input and fault of a refused workflow', () => {
    const refusal = readRefusal(answerOf('txt2img-validation-failure'));
    expect(refusal?.code).toBe('invalid_workflow');
    expect(refusal?.message).toMatch(/^ComfyUI refused the workflow\. Node 3 \(KSampler\): /);
    expect(refusal?.details).toMatchObject({ nodeErrors: { 3: { classType: 'KSampler' } } });
  });

  it('names the node that does not exist', () => {
    expect(readRefusal(answerOf('unknown-node'))?.message).toBe(
      'ComfyUI refused the workflow. Node 1: Cannot execute because node NoSuchNode does not exist.',
    );
  });

  it.each([undefined, null, 'text', {}, { prompt_id: 5 }, []])('is not ComfyUI: %j', (answer) => {
    expect(readSubmission(answer)).toBeUndefined();
    expect(readRefusal(answer)).toBeUndefined();
  });
});

describe('history', () => {
  const history = (messages: unknown[], status_str = 'success') => ({
    p: { outputs: { 9: { images: [] } }, status: { status_str, messages } },
  });

  it('is not there yet', () => {
    expect(readHistory({}, 'p')).toBeUndefined();
    expect(readHistory('<html>', 'p')).toBeUndefined();
  });

  it('tells outcome, outputs and what was cached', () => {
    const record = readHistory(
      history([
        ['execution_cached', { nodes: ['4'] }],
        ['execution_success', {}],
      ]),
      'p',
    );
    expect(record).toEqual({
      outcome: { kind: 'succeeded' },
      outputs: new Map([['9', { images: [] }]]),
      cached: ['4'],
    });
  });

  it('believes the messages rather than the status', () => {
    expect(readHistory(history([['execution_interrupted', {}]], 'error'), 'p')?.outcome.kind).toBe('interrupted');
    expect(readHistory(history([['execution_error', { node_id: '1' }]], 'success'), 'p')?.outcome).toMatchObject({
      failure: { nodeId: '1' },
    });
    const blocked = ['execution_error', { exception_type: 'ExecutionBlocked' }];
    expect(readHistory(history([blocked, ['execution_success', {}]]), 'p')?.outcome.kind).toBe('succeeded');
  });

  it('has an outcome even without messages or status', () => {
    expect(readHistory(history([], 'error'), 'p')?.outcome.kind).toBe('failed');
    expect(readHistory({ p: { outputs: {}, status: null } }, 'p')?.outcome.kind).toBe('succeeded');
  });
});

describe('the queue', () => {
  const queue = readQueue({
    queue_running: [[7, 'r', {}, {}, []]],
    queue_pending: [
      [9, 'c'],
      [8, 'b'],
      [8, 'a'],
      [-1, 'front'],
    ],
  });

  it('is sorted as it will run: by number, then by id', () => {
    expect(queue).toEqual({ running: ['r'], pending: ['front', 'a', 'b', 'c'] });
  });

  it('tells where a prompt stands', () => {
    expect(findInQueue(queue, 'r')).toEqual({ state: 'running' });
    expect(findInQueue(queue, 'b')).toEqual({ state: 'pending', ahead: 3, idle: false });
    expect(findInQueue(queue, 'other')).toBeUndefined();
    expect(findInQueue({ running: [], pending: ['x'] }, 'x')).toEqual({ state: 'pending', ahead: 0, idle: true });
  });
});

describe('system_stats', () => {
  it('is reduced to version and devices', () => {
    const stats = {
      system: { comfyui_version: '0.3.64', argv: ['/secret/path'] },
      devices: [{ name: 'cpu', type: 'cpu', vram_total: 5, vram_free: 3 }],
    };
    expect(readSystemStats(stats)).toEqual({
      version: '0.3.64',
      devices: [{ name: 'cpu', type: 'cpu', memoryTotal: 5, memoryFree: 3 }],
    });
  });

  it('is not ComfyUI', () => {
    expect(readSystemStats({ hello: 'world' })).toBeUndefined();
  });
});
