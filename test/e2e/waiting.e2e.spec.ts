import type { Simulator } from '../../src/simulator';
import { allEvents, serverSentEvents } from '../support/sse';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { eventually } from '../support/eventually';
import { flatPicture, slowPicture } from '../support/workflows';

let comfyUI: Simulator;
let stack: Stack;
let color = 0;

beforeAll(async () => {
  comfyUI = await startComfyUI({ speed: 1 });
  stack = await startStack({ baseUrl: comfyUI.url, generateTimeout: 20 }, 'service');
});

afterEach(() => comfyUI.faults.clear());

afterAll(async () => {
  await stack.close();
  await comfyUI.close();
});

const generate = (body: object, call = {}) => postJson(`${stack.url}/generate`, body, call);
const queue = async () =>
  (await (await fetch(`${comfyUI.url}/queue`)).json()) as { queue_running: unknown[]; queue_pending: unknown[] };
const isIdle = async () => Object.values(await queue()).every((items) => items.length === 0);
const history = async (id: string) => JSON.stringify(await (await fetch(`${comfyUI.url}/history/${id}`)).json());

describe('the timeout of a request', () => {
  it.each([
    ['the timeout field', { timeout: 0.3 }, {}, '0.3 s'],
    ['Prefer: wait', {}, { Prefer: 'wait=1' }, '1 s'],
    ['the field rather than the header', { timeout: 0.3 }, { Prefer: 'wait=10' }, '0.3 s'],
  ])('is that of %s; then 504 with the job, which continues', async (_what, fields, headers, timeout) => {
    const response = await generate({ prompt: slowPicture(++color, { seconds: 1.5 }), ...fields }, { headers });
    expect(response.status).toBe(504);
    const body = (await response.json()) as { jobId: string };
    expect(body).toMatchObject({
      statusCode: 504,
      error: 'Gateway Timeout',
      code: 'timeout',
      message: expect.stringContaining(timeout),
    });
    await eventually(async () => expect(await history(body.jobId)).toContain('execution_success'));
  });

  it('ends an event stream with one error', async () => {
    const events = await allEvents(
      await generate({ prompt: slowPicture(++color, { seconds: 1.5 }), timeout: 0.3 }, { accept: 'text/event-stream' }),
    );
    expect(events.at(-1)).toMatchObject({
      event: 'error',
      data: { statusCode: 504, code: 'timeout', jobId: events[0]?.data.id },
    });
    expect(events.filter(({ event }) => event === 'error' || event === 'result')).toHaveLength(1);
    await eventually(async () => expect(await isIdle()).toBe(true));
  });

  it('can be set for the whole service', async () => {
    const short = await startStack({ baseUrl: comfyUI.url, generateTimeout: 0.2 }, 'service');
    const response = await postJson(`${short.url}/generate`, { prompt: slowPicture(++color, { seconds: 1 }) });
    expect(response.status).toBe(504);
    await short.close();
  });

  it.each([
    { timeout: 0 },
    { timeout: -1 },
    { timeout: '5' },
    { timeout: 1e9 },
    { cancelOnDisconnect: 'yes' },
    { allowPartial: 1 },
  ])('and other fields are checked: %j', async (fields) => {
    const response = await generate({ prompt: flatPicture(1), ...fields });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(Object.keys(fields)[0] ?? ''),
    });
  });
});

describe('an event stream', () => {
  it('sends the progress at least once a second without changes', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const response = await generate({ prompt: flatPicture(++color) }, { accept: 'text/event-stream' });
    const arrivals: number[] = [];
    for await (const { event, at } of serverSentEvents(response)) {
      if (event === 'progress') arrivals.push(at);
      if (arrivals.length === 8) held.clear();
    }
    const pauses = arrivals.slice(1).map((at, i) => at - (arrivals[i] ?? at));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1000);
    expect(arrivals.length).toBeGreaterThanOrEqual(8);
  });

  it('sends node, class, step and previews during the run', async () => {
    const events = await allEvents(
      await generate({ prompt: slowPicture(++color, { seconds: 0.5, steps: 5 }) }, { accept: 'text/event-stream' }),
    );
    const progress = events.filter(({ event }) => event === 'progress').map(({ data }) => data);
    expect(progress).toContainEqual(
      expect.objectContaining({
        status: 'running',
        currentNode: '2',
        currentNodeClass: 'SimulatedSleep',
        step: 3,
        steps: 5,
      }),
    );
    for (const { elapsedMs, value } of progress) {
      expect(elapsedMs).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
    const previews = events.filter(({ event }) => event === 'preview').map(({ data }) => data);
    expect(previews.length).toBeGreaterThan(0);
    expect(previews[0]).toMatchObject({ nodeId: '2', mediaType: expect.stringMatching(/^image\/(jpeg|png)$/) });
    expect(Buffer.from(String(previews[0]?.base64), 'base64').length).toBeGreaterThan(100);
  });

  it('sends each output as soon as its node is done', async () => {
    const prompt = { ...flatPicture(++color), ...slowPicture(++color, { seconds: 0.1, steps: 1 }) };
    const early = { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'early' } };
    const held = comfyUI.faults.arm({ kind: 'hold', nodeId: '3' });
    const kinds: string[] = [];
    const response = await generate({ prompt: { ...prompt, early } }, { accept: 'text/event-stream' });
    for await (const { event, data } of serverSentEvents(response)) {
      kinds.push(event);
      if (event === 'output' && data.nodeId === 'early') held.clear();
    }
    expect(kinds.at(-1)).toBe('result');
  });
});

describe('a client that disconnects', () => {
  async function leaveWhileRunning(fields: object, accept?: string): Promise<string> {
    const caller = new AbortController();
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const pending = generate({ prompt: flatPicture(++color), ...fields }, { signal: caller.signal, accept }).then(
      (response) => response.text(),
    );
    pending.catch(() => undefined);
    await held.struck;
    const [item] = (await queue()).queue_running as [unknown, string][];
    caller.abort();
    await expect(pending).rejects.toThrow('abort');
    if (!('cancelOnDisconnect' in fields)) held.clear();
    return item?.[1] ?? '';
  }

  it.each([undefined, 'text/event-stream'])('does not cancel the run (%s)', async (accept) => {
    const id = await leaveWhileRunning({}, accept);
    await eventually(async () => expect(await history(id)).toContain('execution_success'));
  });

  it.each([undefined, 'text/event-stream'])('cancels the run with the option (%s)', async (accept) => {
    const id = await leaveWhileRunning({ cancelOnDisconnect: true }, accept);
    await eventually(async () => expect(await history(id)).toContain('execution_interrupted'));
  });
});

it('waiting requests fail with shutting_down when the service shuts down', async () => {
  const closing = await startStack({ baseUrl: comfyUI.url }, 'service');
  comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
  const waiting = [undefined, 'text/event-stream'].map(async (accept) =>
    postJson(`${closing.url}/generate`, { prompt: flatPicture(++color) }, { accept }),
  );
  await eventually(async () => expect((await queue()).queue_pending).toHaveLength(1));
  await closing.close();
  const [plain, stream] = await Promise.all(waiting);
  expect(plain?.status).toBe(503);
  expect(plain?.headers.get('retry-after')).toBe('5');
  expect(await plain?.json()).toMatchObject({ code: 'shutting_down' });
  expect(stream && (await allEvents(stream)).at(-1)).toMatchObject({ event: 'error', data: { code: 'shutting_down' } });
});
