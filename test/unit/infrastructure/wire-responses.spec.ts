import {
  findInQueue,
  readHistory,
  readQueue,
  readRefusal,
  readSubmission,
  readSystemStats,
} from '../../../src/infrastructure/comfyui/wire-responses';
import { readTrace } from '../../support/traces';

const responseOf = (trace: string) => readTrace(trace).find(({ status }) => status !== undefined)?.body;

describe('the response of POST /prompt', () => {
  it('is parsed with the nodes that ComfyUI left out', () => {
    expect(readSubmission(responseOf('partially-valid-submit'))).toMatchObject({
      promptId: '2512e3fa-b9d0-47c5-94b2-bb5811f9a688',
      number: 11,
      nodeErrors: { 4: { problems: [{ type: 'custom_validation_failed' }] } },
    });
  });

  it('names node, class, input and error of a refused workflow', () => {
    const refusal = readRefusal(responseOf('txt2img-validation-failure'));
    expect(refusal?.code).toBe('invalid_workflow');
    expect(refusal?.message).toMatch(/^ComfyUI refused the workflow\. Node 3 \(KSampler\): /);
    expect(refusal?.details).toMatchObject({ nodeErrors: { 3: { classType: 'KSampler' } } });
  });

  it('names a node whose class does not exist', () => {
    expect(readRefusal(responseOf('unknown-node'))?.message).toBe(
      'ComfyUI refused the workflow. Node 1: Cannot execute because node NoSuchNode does not exist.',
    );
  });

  it.each([undefined, null, 'text', {}, { prompt_id: 5 }, []])(
    'is undefined if it does not come from ComfyUI: %j',
    (body) => {
      expect(readSubmission(body)).toBeUndefined();
      expect(readRefusal(body)).toBeUndefined();
    },
  );
});

describe('history', () => {
  const history = (messages: unknown[], status_str = 'success') => ({
    p: { outputs: { 9: { images: [] } }, status: { status_str, messages } },
  });

  it('is undefined without an entry', () => {
    expect(readHistory({}, 'p')).toBeUndefined();
    expect(readHistory('<html>', 'p')).toBeUndefined();
  });

  it('has outcome, outputs and cached nodes', () => {
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

  it('prefers the messages to the status', () => {
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

  it('is in the order of execution: by number, then by id', () => {
    expect(queue).toEqual({ running: ['r'], pending: ['front', 'a', 'b', 'c'] });
  });

  it('has the position of a prompt', () => {
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

  it('is undefined if it does not come from ComfyUI', () => {
    expect(readSystemStats({ hello: 'world' })).toBeUndefined();
  });
});
