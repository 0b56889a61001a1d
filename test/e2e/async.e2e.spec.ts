import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { jobsOf } from '../support/jobs';
import { allEvents } from '../support/sse';
import { PLATFORMS, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture } from '../support/workflows';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let color = 0;
const picture = () => flatPicture(++color);

interface Answer {
  readonly id: string;
  readonly image: string;
  readonly code: string;
  readonly message: string;
}

const json = async (response: Response) => (await response.json()) as Answer;

describe.each(PLATFORMS)('on %s', (platform) => {
  let comfyUI: Simulator;
  let stack: Stack;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    stack = await startStack({ baseUrl: comfyUI.url }, platform);
  });

  afterEach(() => comfyUI.faults.clear());

  afterAll(async () => {
    await stack.close();
    await comfyUI.close();
  });

  const generate = (body: object, headers: Record<string, string> = {}) =>
    postJson(`${stack.url}/generate`, body, { headers });

  it('errors have the id of their job in X-Job-Id', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const response = await generate({ prompt: picture(), timeout: 0.2 });
    expect(response.status).toBe(504);
    const id = response.headers.get('x-job-id');
    expect(await response.json()).toMatchObject({ jobId: id });
    held.clear();
    expect((await jobsOf(stack).ended(id ?? '')).status).toBe('succeeded');
  });

  describe('Prefer: respond-async', () => {
    it('responds at once with the accepted job and its location', async () => {
      const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const response = await generate({ prompt: picture() }, { Prefer: 'respond-async' });
      expect(response.status).toBe(202);
      const job = await json(response);
      const { pathname } = new URL(stack.url);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': expect.stringMatching(/^application\/json/),
        'cache-control': 'no-store',
        location: `${pathname === '/' ? '' : pathname}/jobs/${job.id}`,
        'preference-applied': 'respond-async',
        'x-job-id': job.id,
      });
      expect(job).toMatchObject({ id: expect.stringMatching(UUID), status: expect.stringMatching(/queued|running/) });
      const found = await fetch(new URL(response.headers.get('location') ?? '', stack.url));
      expect((await json(found)).id).toBe(job.id);
      held.clear();
      await jobsOf(stack).ended(job.id);
    });

    if (platform !== 'service') return;

    it('with wait: responds with the result in time, in the requested format', async () => {
      const headers = { Prefer: 'respond-async, wait=20' };
      const asJson = await generate({ prompt: picture() }, headers);
      expect([asJson.status, asJson.headers.get('location')]).toEqual([200, null]);
      expect((await json(asJson)).image).toMatch(/^iVBOR/);
      const asImage = await generate({ prompt: picture() }, { ...headers, Accept: 'image/*' });
      expect([asImage.status, asImage.headers.get('content-type')]).toEqual([200, 'image/png']);
    });

    it('with wait: responds with the job after that time, for any timeout field', async () => {
      const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const started = Date.now();
      const response = await generate({ prompt: picture(), timeout: 0.1 }, { Prefer: 'wait=1, respond-async' });
      expect(Date.now() - started).toBeGreaterThanOrEqual(990);
      expect(response.status).toBe(202);
      const { id } = await json(response);
      held.clear();
      expect((await jobsOf(stack).ended(id)).status).toBe('succeeded');
    });

    it('with wait: responds with the error of a job that fails in time', async () => {
      const response = await generate(
        { prompt: { 1: { class_type: 'Nope', inputs: {} } } },
        { Prefer: 'respond-async, wait=20' },
      );
      expect([response.status, (await json(response)).code]).toEqual([422, 'invalid_workflow']);
    });

    it('has no effect on event streams', async () => {
      const headers = { Prefer: 'respond-async', Accept: 'text/event-stream' };
      const response = await generate({ prompt: picture() }, headers);
      expect([response.status, response.headers.get('preference-applied')]).toEqual([200, null]);
      expect((await allEvents(response)).at(-1)?.event).toBe('result');
    });
  });

  describe('Idempotency-Key', () => {
    it.each(['', ' ', '""', 'x'.repeat(256), 'h\u00e4'])('is refused if it is invalid: %j', async (key) => {
      const response = await generate({ prompt: picture() }, { 'Idempotency-Key': key });
      const { code, message } = await json(response);
      expect([response.status, code]).toEqual([400, 'invalid_request']);
      expect(message).toContain('Idempotency-Key');
    });

    if (platform !== 'service') return;

    it('returns the same job and image for the same request, for any number of requests and in any format', async () => {
      const prompt = picture();
      const headers = { 'Idempotency-Key': `"${platform} once"` };
      const together = await Promise.all([1, 2, 3].map(() => generate({ prompt }, headers)));
      const later = await generate(
        { prompt, timeout: 5, cancelOnDisconnect: true },
        { 'Idempotency-Key': `${platform} once` },
      );
      const [first, ...others] = await Promise.all([...together, later].map(json));
      for (const other of others) expect(other).toEqual(first);
      const asImage = await generate({ prompt }, { ...headers, Accept: 'image/png' });
      expect(Buffer.from(await asImage.arrayBuffer()).toString('base64')).toBe(first?.image);
      const events = await allEvents(await generate({ prompt }, { ...headers, Accept: 'text/event-stream' }));
      expect(events.find(({ event }) => event === 'output')?.data.base64).toBe(first?.image);
      expect(events.at(-1)).toMatchObject({ event: 'result', data: { id: first?.id } });
      const asJob = await generate({ prompt }, { ...headers, Prefer: 'respond-async' });
      expect([asJob.status, await json(asJob)]).toMatchObject([202, { id: first?.id, status: 'succeeded' }]);
    });

    it('returns the error of a failed job as well', async () => {
      comfyUI.faults.arm({ kind: 'node-exception', classType: 'SaveImage', message: 'disk full' });
      const [prompt, headers] = [picture(), { 'Idempotency-Key': `${platform} fails` }];
      const responses = [await generate({ prompt }, headers), await generate({ prompt }, headers)];
      const ids = responses.map((response) => response.headers.get('x-job-id'));
      expect(ids[0]).toMatch(UUID);
      expect(ids[1]).toBe(ids[0]);
      for (const response of responses)
        expect(await json(response)).toMatchObject({ code: 'execution_failed', jobId: ids[0] });
      const events = await allEvents(await generate({ prompt }, { ...headers, Accept: 'text/event-stream' }));
      expect(events.at(-1)).toMatchObject({ event: 'error', data: { code: 'execution_failed', jobId: ids[0] } });
    });

    it('is bound to one request body', async () => {
      const headers = { 'Idempotency-Key': `${platform} other`, Prefer: 'respond-async' };
      const prompt = picture();
      expect((await generate({ prompt }, headers)).status).toBe(202);
      const preferences = [{ priority: 1 }, { allowPartial: true }, { keepPreviews: true }, { label: 'portrait' }];
      for (const other of [{ prompt: picture() }, ...preferences]) {
        const response = await generate({ prompt, ...other }, headers);
        expect([other, (await json(response)).code]).toEqual([other, 'idempotency_mismatch']);
        expect(response.status).toBe(422);
      }
      expect((await generate({ prompt, timeout: 5, response: 'url' }, headers)).status).toBe(202);
    });
  });

  if (platform !== 'service') return;

  it.each<[string, object]>([
    ['priority', { priority: 101 }],
    ['priority', { priority: -101 }],
    ['priority', { priority: 1.5 }],
    ['priority', { priority: '5' }],
    ['labels', { labels: 'sdxl' }],
    ['labels', { labels: [1] }],
    ['labels', { labels: [''] }],
    ['labels', { labels: ['x'.repeat(101)] }],
    ['labels', { labels: Array.from({ length: 17 }, String) }],
    ['labels', { labels: ['no server has it'] }],
  ])('an invalid %s is refused: %j', async (field, fields) => {
    const response = await generate({ prompt: picture(), ...fields });
    const { code, message } = await json(response);
    expect([response.status, code]).toEqual([400, 'invalid_request']);
    expect(message).toContain(field);
  });
});

it('a full queue answers 429 with Retry-After, until there is space again', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url, prefetch: 0, maxQueue: 2 }, 'service');
  const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
  const jobs = jobsOf(stack);
  const running = await jobs.start(picture());
  await jobs.running(running);
  const waiting = [await jobs.start(picture()), await jobs.start(picture())];
  const refused = await postJson(
    `${stack.url}/generate`,
    { prompt: picture() },
    { headers: { Prefer: 'respond-async' } },
  );
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
  expect(await refused.json()).toMatchObject({ statusCode: 429, error: 'Too Many Requests', code: 'queue_full' });
  held.clear();
  for (const id of waiting) await jobs.ended(id);
  expect((await jobs.ended(await jobs.start(picture()))).status).toBe('succeeded');
  await stack.close();
  await comfyUI.close();
});

it('without a reachable ComfyUI, a waiting request fails, and an asynchronous job stays queued', async () => {
  const stack = await startStack({ baseUrl: 'http://127.0.0.1:9' }, 'service');
  const waited = await postJson(`${stack.url}/generate`, { prompt: picture() });
  expect([waited.status, (await json(waited)).code]).toEqual([503, 'backend_unreachable']);
  const left = await postJson(`${stack.url}/generate`, { prompt: picture() }, { headers: { Prefer: 'respond-async' } });
  expect([left.status, await json(left)]).toMatchObject([202, { status: 'queued', queuePosition: 1 }]);
  await stack.close();
});

it('a waiting respond-async request gets its job when the service shuts down', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url, shutdownGrace: 0 }, 'service');
  const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
  const pending = postJson(
    `${stack.url}/generate`,
    { prompt: picture() },
    { headers: { Prefer: 'respond-async, wait=20' } },
  );
  await held.struck;
  await stack.close();
  expect([(await pending).status, await json(await pending)]).toMatchObject([202, { id: expect.stringMatching(UUID) }]);
  await comfyUI.close();
});

it('POST /comfyui/workflow returns the job, also of one that waits in the queue', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url, prefetch: 0 }, 'service');
  const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
  const enqueue = async () =>
    ((await (await postJson(`${stack.url}/comfyui/workflow`, picture())).json()) as { data: Record<string, unknown> })
      .data;
  const taken = await enqueue();
  const { jobId } = taken;
  expect(taken).toMatchObject({ promptId: jobId, status: expect.stringMatching(/queued|running/), nodeErrors: {} });
  expect(taken.number).toEqual(expect.any(Number));
  await held.struck;
  const waiting = await enqueue();
  expect(waiting).toEqual({
    promptId: waiting.jobId,
    jobId: expect.stringMatching(UUID),
    number: null,
    nodeErrors: {},
    status: 'queued',
  });
  held.clear();
  await eventually(async () => expect((await jobsOf(stack).job(String(waiting.jobId))).status).toBe('succeeded'));
  await stack.close();
  await comfyUI.close();
});
