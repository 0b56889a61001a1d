import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { FaultProxy, stopHttp } from '../support/fault-proxy';
import { freshStack } from '../support/fresh-stack';
import { postJson, startStack } from '../support/stack';
import { flatPicture, noisePicture, slowPicture } from '../support/workflows';

const fresh = freshStack({ responseTimeout: 2 });
let color = 0;

const generate = (prompt: object = flatPicture(++color), fields = {}) =>
  postJson(`${fresh.stack.url}/generate`, { prompt, ...fields });

async function expectPicture(response: Response): Promise<Record<string, unknown>> {
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ image: expect.stringMatching(/^iVBOR/) });
  return body;
}

async function expectError(
  response: Response,
  status: number,
  code: string,
  sentence: string | RegExp,
): Promise<Record<string, unknown>> {
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ statusCode: status, code, message: expect.stringMatching(sentence) });
  expect(response.status).toBe(status);
  return body;
}

describe('a run produces its image although', () => {
  it.each<[string, Fault]>([
    ['all events arrive before the response to the POST', { kind: 'late-post-answer' }],
    ['the event of the end of the run is lost', { kind: 'lose-event', type: 'execution_success' }],
    ['the event of an output is lost', { kind: 'lose-event', type: 'executed' }],
    ['the socket closes during the run', { kind: 'drop-socket', after: 'execution_start' }],
    ['the socket closes at the end', { kind: 'drop-socket', after: 'execution_success' }],
    ['the socket goes deaf during the run', { kind: 'deaf-socket', after: 'execution_start' }],
    ['the server is too old to accept a prompt id', { kind: 'ignore-prompt-id' }],
    ['the response to the POST is lost, the prompt is not', { kind: 'lost-post-answer' }],
    ['response and prompt are lost', { kind: 'lost-post-answer', accepted: false }],
    [
      'a node is blocked, the others are not',
      { kind: 'execution-blocked', classType: 'SimulatedSink', message: 'not now' },
    ],
    ['an output contains NaN', { kind: 'nan-output' }],
    ['a proxy refuses the socket', { kind: 'proxy', status: 401, target: 'socket', times: Infinity }],
    ['a proxy fails for a file', { kind: 'proxy', status: 502, path: '/view', times: 2 }],
    ['a download breaks', { kind: 'slow-view', cutAfter: 100 }],
    ['a file appears late', { kind: 'missing-file' }],
    ['the prompt is deleted before it starts', { kind: 'silent-disappearance' }],
    [
      'the GPU is out of memory',
      { kind: 'node-exception', classType: 'SaveImage', message: 'on device', type: 'torch.OutOfMemoryError' },
    ],
    [
      'the GPU fails',
      { kind: 'node-exception', classType: 'SaveImage', message: 'CUDA error: device-side assert triggered' },
    ],
    ['a restart empties the queue during the run', { kind: 'restart', after: 'execution_start', downMs: 500 }],
  ])('%s', async (_what, fault) => {
    const armed = fresh.comfyUI.faults.arm(fault);
    const sink = { class_type: 'SimulatedSink', inputs: { source: ['1', 0] } };
    await expectPicture(
      await generate(fault.kind === 'execution-blocked' ? { ...flatPicture(++color), sink } : undefined),
    );
    expect(armed.fired).toBeGreaterThan(0);
  });

  it('the socket is half open: dropped silently while idle', async () => {
    await expectPicture(await generate());
    fresh.comfyUI.faults.arm({ kind: 'deaf-socket' });
    await expectPicture(await generate());
    const started = Date.now();
    await expectPicture(await generate());
    expect(Date.now() - started).toBeLessThan(2_000);
  });

  it('the response was lost, and the prompt runs once', async () => {
    fresh.comfyUI.faults.arm({ kind: 'lost-post-answer' });
    await expectPicture(await generate());
    const history = (await (await fetch(`${fresh.comfyUI.url}/history`)).json()) as object;
    expect(Object.keys(history)).toHaveLength(1);
  });

  it('a file of a cached run is missing: it runs again without the cache, once', async () => {
    const prompt = flatPicture(++color);
    const first = await expectPicture(await generate(prompt));
    const [{ filename }] = first.images as [{ filename: string }];
    fresh.comfyUI.faults.arm({ kind: 'missing-file', filename, times: Infinity });
    const second = await expectPicture(await generate(prompt));
    expect(second).toMatchObject({ attempts: 2, images: [{ filename: expect.not.stringMatching(filename) }] });
    expect((second.images as unknown[]).length).toBe(1);
  });

  it('a file is not available during the run, only at its end', async () => {
    const missing = fresh.comfyUI.faults.arm({ kind: 'missing-file', times: 3 });
    const hold = fresh.comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color);
    const last = { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } };
    const pending = generate({ '1': source, '2': save, last });
    await hold.struck;
    await eventually(() => expect(missing.fired).toBe(3));
    // The last refusal is under way.
    await setTimeout(100);
    hold.clear();
    expect(await expectPicture(await pending)).toMatchObject({
      attempts: 1,
      images: [{ nodeId: '2' }, { nodeId: 'last' }],
    });
  });
});

describe('without further attempts, the error has the reason for', () => {
  beforeEach(async () => {
    await fresh.stack.close();
    fresh.stack = await startStack({ baseUrl: fresh.comfyUI.url, responseTimeout: 2, maxAttempts: 1 });
  });

  it('a missing file of a new run', async () => {
    fresh.comfyUI.faults.arm({ kind: 'missing-file', times: Infinity });
    await expectError(await generate(), 502, 'output_missing', /Node 2 named the file flat_00001_\.png/);
  });

  it('a restart during the run', async () => {
    fresh.comfyUI.faults.arm({ kind: 'restart', after: 'execution_start', downMs: 500 });
    await expectError(await generate(slowPicture(++color, { seconds: 60 })), 502, 'backend_lost', 'restarted');
  });

  it('a run that another client interrupted', async () => {
    const held = fresh.comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const response = generate();
    await held.struck;
    await fetch(`${fresh.comfyUI.url}/interrupt`, { method: 'POST' });
    await expectError(await response, 409, 'canceled', 'canceled');
  });

  it('a dead worker', async () => {
    fresh.comfyUI.faults.arm({ kind: 'dead-worker' });
    await expectError(await generate(), 502, 'stalled', 'worker is dead');
  });

  it('a node that fails, with its message', async () => {
    fresh.comfyUI.faults.arm({
      kind: 'node-exception',
      classType: 'SaveImage',
      message: 'no space left',
      type: 'OSError',
    });
    const body = await expectError(
      await generate(),
      500,
      'execution_failed',
      /^Node 2 \(SaveImage\) failed: no space left/,
    );
    expect(body.details).toMatchObject({ nodeId: '2', classType: 'SaveImage', exceptionType: 'OSError' });
    expect(body.jobId).toBeDefined();
  });

  it('a GPU that is out of memory', async () => {
    fresh.comfyUI.faults.arm({
      kind: 'node-exception',
      classType: 'SaveImage',
      message: 'Allocation on device',
      type: 'torch.OutOfMemoryError',
      times: Infinity,
    });
    await expectError(await generate(), 500, 'out_of_memory', 'ran out of memory');
  });

  it('a refused workflow, with node, class, input and error', async () => {
    const prompt = flatPicture(++color, { width: 0 });
    const body = await expectError(
      await generate(prompt),
      422,
      'invalid_workflow',
      /Node 1 \(EmptyImage\): width: Value 0 smaller than min of 1/,
    );
    expect(body.details).toMatchObject({
      nodeErrors: { 1: { classType: 'EmptyImage', problems: [{ input: 'width' }] } },
    });
  });

  it('a node class that does not exist', async () => {
    await expectError(
      await generate({ '7': { class_type: 'Nope', inputs: {} } }),
      422,
      'invalid_workflow',
      /Node 7: .*Nope/,
    );
  });

  describe('a workflow that would run only in part', () => {
    const both = () => ({ ...flatPicture(++color), '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } });

    it('is canceled', async () => {
      fresh.comfyUI.faults.arm({ kind: 'node-errors', nodeId: '3', message: 'not today' });
      fresh.comfyUI.faults.arm({ kind: 'hold', nodeId: '1' });
      const body = await expectError(
        await generate(both()),
        422,
        'invalid_workflow',
        /only a part .*Node 3 \(PreviewImage\): .*not today/,
      );
      expect(body.details).toMatchObject({ nodeErrors: { 3: {} } });
      const queue = JSON.stringify(await (await fetch(`${fresh.comfyUI.url}/queue`)).json());
      expect(queue).not.toContain('SaveImage');
    });

    it('runs with allowPartial', async () => {
      fresh.comfyUI.faults.arm({ kind: 'node-errors', nodeId: '3' });
      await expectPicture(await generate(both(), { allowPartial: true }));
    });
  });

  it.each([
    [401, 502, 'backend_unauthorized', /check the user name and the password/],
    [403, 502, 'backend_unauthorized', /check the user name and the password/],
    [413, 413, 'payload_too_large', /exceeds the size limit of ComfyUI/],
    [500, 502, 'backend_error', /500/],
    [502, 502, 'backend_error', /proxy/],
  ] as const)('a proxy that answers %i in HTML', async (status, ours, code, sentence) => {
    fresh.comfyUI.faults.arm({ kind: 'proxy', status, times: Infinity, ...(status === 413 && { path: '/prompt' }) });
    await expectError(await generate(), ours, code, sentence);
  });

  it('a ComfyUI that accepts connections and never responds', async () => {
    fresh.comfyUI.faults.arm({ kind: 'hang', times: Infinity });
    await expectError(await generate(), 503, 'backend_unreachable', 'did not respond within 5 s');
  });

  it('a file that never arrives', async () => {
    fresh.comfyUI.faults.arm({ kind: 'slow-view', ms: 3_600_000, times: Infinity });
    await expectError(await generate(noisePicture(++color)), 503, 'backend_unreachable', 'did not answer in time');
  });

  it('an unreachable ComfyUI, with Retry-After', async () => {
    await fresh.comfyUI.close();
    const response = await generate();
    expect(response.headers.get('retry-after')).toBe('5');
    await expectError(response, 503, 'backend_unreachable', /cannot be reached: .*ECONNREFUSED/);
  });

  it('a ComfyUI that ended after a response, as soon as its socket closes', async () => {
    await expectPicture(await generate());
    await fresh.comfyUI.close();
    await eventually(() => expect(fresh.stack.logs.join('\n')).toContain('is not used for now'), 3_000);
    await expectError(await generate(), 503, 'backend_unreachable', /cannot be reached: .*ECONNREFUSED/);
  });

  it.each([
    ['application/json', 503],
    ['image/png', 503],
    ['text/event-stream', 200],
  ])('a ComfyUI that ended after a response, before its socket closes (%s)', async (accept, status) => {
    const proxy = await FaultProxy.to(fresh.comfyUI.url);
    await fresh.stack.close();
    fresh.stack = await startStack({ baseUrl: proxy.url });
    await expectPicture(await generate());
    stopHttp(proxy);
    const response = await postJson(`${fresh.stack.url}/generate`, { prompt: flatPicture(++color) }, { accept });
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(text).toMatch(/cannot be reached: .*ECONNREFUSED.*waits for it/);
    expect(fresh.stack.logs.join('\n')).not.toContain('Socket lost');
    const { jobs } = (await (await fetch(`${fresh.stack.url}/jobs`)).json()) as {
      jobs: { id: string; status: string }[];
    };
    expect(jobs[0]?.status).toBe('queued');
    expect(text).toContain(`"jobId":"${jobs[0]?.id}"`);
  });

  it('another server at the URL', async () => {
    await fresh.stack.close();
    fresh.stack = await startStack({ baseUrl: `${fresh.comfyUI.url}/nowhere` });
    await expectError(await generate(), 502, 'backend_error', '404');
  });

  it('is logged once', async () => {
    fresh.comfyUI.faults.arm({ kind: 'node-exception', classType: 'SaveImage', message: 'unmistakable' });
    await generate();
    await generate({});
    expect(fresh.stack.logs.filter((line) => line.includes('unmistakable'))).toHaveLength(1);
    expect(fresh.stack.logs.filter((line) => line.includes('no nodes'))).toHaveLength(1);
  });
});
