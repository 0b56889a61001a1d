import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { jobsOf, TIME, type JobJson } from '../support/jobs';
import { PLATFORMS, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture, noisePicture, slowPicture } from '../support/workflows';

const UUID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';

let color = 0;
const picture = () => flatPicture(++color);

describe.each(PLATFORMS)('/jobs on %s', (platform) => {
  let comfyUI: Simulator;
  let stack: Stack;
  let jobs: ReturnType<typeof jobsOf>;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    stack = await startStack({ baseUrl: comfyUI.url, prefetch: 0 }, platform);
    jobs = jobsOf(stack);
  });

  afterEach(() => comfyUI.faults.clear());

  afterAll(async () => {
    await stack.close();
    await comfyUI.close();
  });

  it('GET /jobs/:id/workflow returns the submitted workflow', async () => {
    const prompt = {
      b: noisePicture('18446744073709551615')['1'],
      a: { class_type: 'SaveImage', inputs: { images: ['b', 0], filename_prefix: 'ä' } },
    };
    const response = await fetch(`${stack.url}/jobs/${await jobs.start(prompt)}/workflow`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await response.text();
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['b', 'a']);
    expect(JSON.parse(text)).toMatchObject({ a: prompt.a });
    expect(text).toMatch(/"seed":"?18446744073709551615"?/);
  });

  it('DELETE removes an ended job, and no running one', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobs.start(picture());
    await held.struck;
    const refused = await jobs.remove(id);
    expect([refused.status, refused.headers.get('x-job-id')]).toEqual([409, id]);
    expect(await refused.json()).toMatchObject({ code: 'not_ended', jobId: id });
    held.clear();
    await jobs.ended(id);
    const removed = await jobs.remove(id);
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    expect((await jobs.remove(id)).status).toBe(404);
    expect((await fetch(`${stack.url}/jobs/${id}`)).status).toBe(404);
  });

  describe('a job', () => {
    it('is found by an uppercase id, and never cached', async () => {
      const id = await jobs.start(picture());
      const response = await fetch(`${stack.url}/jobs/${id.toUpperCase()}`);
      expect(((await response.json()) as JobJson).id).toBe(id);
      expect(response.headers.get('cache-control')).toBe('no-store');
    });

    if (platform !== 'service') return;

    it('is returned from its start to its end', async () => {
      const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const id = await jobs.start(slowPicture(++color, { seconds: 0 }), { priority: 7 });
      await held.struck;
      await eventually(async () =>
        expect(await jobs.job(id)).toMatchObject({
          status: 'running',
          queuePosition: null,
          priority: 7,
          progress: { currentNode: '3', currentNodeClass: 'SaveImage', nodesDone: 2, nodesTotal: 3 },
          startedAt: expect.stringMatching(TIME),
          endedAt: null,
        }),
      );
      held.clear();
      expect(await jobs.ended(id)).toEqual({
        id,
        revision: expect.any(Number),
        status: 'succeeded',
        queuePosition: null,
        priority: 7,
        progress: expect.objectContaining({ value: 1, nodesDone: 3, nodesTotal: 3 }),
        outputs: [
          {
            nodeId: '3',
            assetId: expect.any(String),
            filename: expect.stringMatching(/^slow_\d+_\.png$/),
            subfolder: '',
            type: 'output',
            mediaType: 'image/png',
            sizeBytes: expect.any(Number),
            width: 32,
            height: 32,
            url: expect.stringMatching(/\/assets\/[0-9a-f-]{36}$/),
          },
        ],
        texts: [],
        label: null,
        keepPreviews: false,
        error: null,
        attempts: [
          {
            number: 1,
            backend: comfyUI.url,
            promptId: id,
            handedAt: expect.stringMatching(TIME),
            startedAt: expect.stringMatching(TIME),
            endedAt: expect.stringMatching(TIME),
            error: null,
          },
        ],
        acceptance: { number: expect.any(Number), nodeErrors: {} },
        cancelRequested: false,
        seeds: [],
        labels: [],
        queuedAt: expect.stringMatching(TIME),
        startedAt: expect.stringMatching(TIME),
        endedAt: expect.stringMatching(TIME),
        nodeDurations: expect.objectContaining({ 3: expect.any(Number) }),
      });
    });

    it('is returned with the failed node', async () => {
      comfyUI.faults.arm({ kind: 'node-exception', classType: 'SaveImage', type: 'OSError', message: 'disk full' });
      const { status, error } = await jobs.ended(await jobs.start(picture()));
      expect({ status, error }).toMatchObject({
        status: 'failed',
        error: {
          code: 'execution_failed',
          message: expect.stringContaining('disk full'),
          nodeId: '2',
          nodeClass: 'SaveImage',
          exceptionType: 'OSError',
          traceback: expect.arrayContaining([expect.any(String)]),
        },
      });
    });

    it('is returned with the errors of a refused workflow', async () => {
      const { status, error, attempts } = await jobs.ended(await jobs.start({ 1: { class_type: 'Nope', inputs: {} } }));
      expect({ status, error, attempts }).toMatchObject({
        status: 'failed',
        error: { code: 'invalid_workflow', message: expect.stringContaining('Nope') },
      });
    });
  });

  if (platform !== 'service') return;

  it.each([
    ['GET', ''],
    ['GET', '/workflow'],
    ['GET', '/events'],
    ['POST', '/cancel'],
    ['DELETE', ''],
  ])('%s /jobs/:id%s answers 404 for an unknown job', async (method, path) => {
    for (const id of [UUID, 'abc', '%0d%0aX-Evil:%201', 'x'.repeat(90), '%22%3Cscript%3E']) {
      const response = await fetch(`${stack.url}/jobs/${id}${path}`, { method });
      const text = await response.text();
      expect([response.status, JSON.parse(text).code]).toEqual([404, 'not_found']);
      expect(text).not.toMatch(/Evil|script|xxx/);
    }
  });

  describe('the list', () => {
    it('is newest first, page by page, also while jobs are added', async () => {
      const ids = [];
      for (let i = 0; i < 5; i++) ids.push(await jobs.start(picture()));
      const first = await jobs.list('?limit=2');
      await jobs.start(picture());
      const second = await jobs.list(`?limit=3&cursor=${encodeURIComponent(first.next ?? '')}`);
      expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(ids.toReversed());
      for (const id of ids) await jobs.ended(id);
    });

    it('has ids in the order of time, for jobs and files', async () => {
      const ended = [];
      for (let i = 0; i < 4; i++) ended.push(await jobs.ended(await jobs.start(picture())));
      const ids = ended.map(({ id }) => id);
      expect(ids.toSorted()).toEqual(ids);
      const assetIds = ended.flatMap(({ outputs }) => outputs.map(({ assetId }) => assetId));
      expect(assetIds).toHaveLength(4);
      expect(assetIds.toSorted()).toEqual(assetIds);
    });

    it('ends with a page without next', async () => {
      let page = await jobs.list('?limit=200');
      for (let i = 0; page.next !== null && i < 20; i++) page = await jobs.list(`?limit=200&cursor=${page.next}`);
      expect(page.next).toBeNull();
    });

    it('is filtered by status, and contains the queue positions', async () => {
      const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const running = await jobs.start(picture());
      await held.struck;
      const waiting = [
        await jobs.start(picture()),
        await jobs.start(picture()),
        await jobs.start(picture(), { priority: 50 }),
      ];
      await eventually(async () => expect((await jobs.list('?status=running')).jobs).toMatchObject([{ id: running }]));
      const { jobs: queued } = await jobs.list('?status=queued');
      expect(queued.map(({ id, queuePosition }) => [id, queuePosition])).toEqual([
        [waiting[2], 1],
        [waiting[1], 3],
        [waiting[0], 2],
      ]);
      const both = [
        (await jobs.list('?status=queued,running')).jobs,
        (await jobs.list('?status=queued&status=running')).jobs,
      ];
      for (const list of both) expect(list).toHaveLength(4);
      held.clear();
      for (const id of [running, ...waiting]) await jobs.ended(id);
      expect((await jobs.list('?status=queued,running')).jobs).toEqual([]);
    });

    it.each(['status=done', 'status=queued,done', 'limit=0', 'limit=201', 'limit=x', 'cursor=nonsense', 'cursor=%00'])(
      'refuses ?%s with a message',
      async (query) => {
        const response = await fetch(`${stack.url}/jobs?${query}`);
        const body = (await response.json()) as { code: string; message: string };
        expect([response.status, body.code]).toEqual([400, 'invalid_request']);
        expect(body.message).toMatch(new RegExp(query.slice(0, query.indexOf('='))));
      },
    );
  });

  describe('cancellation', () => {
    it('ends a running job, once for repeated requests', async () => {
      const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const id = await jobs.start(picture());
      await held.struck;
      await jobs.running(id);
      const responses = await Promise.all([jobs.cancel(id), jobs.cancel(id)]);
      for (const response of responses) {
        expect(response.status).toBe(200);
        expect(await response.json()).toMatchObject({ id, status: expect.stringMatching(/^cancel(ing|ed)$/) });
      }
      expect(await jobs.ended(id)).toMatchObject({ status: 'canceled', error: { code: 'canceled' } });
      const again = await jobs.cancel(id);
      expect([again.status, ((await again.json()) as JobJson).status]).toEqual([200, 'canceled']);
    });

    it('ends a waiting job at once, and no other', async () => {
      const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
      const [running, waiting, next] = [
        await jobs.start(picture()),
        await jobs.start(picture()),
        await jobs.start(picture()),
      ];
      await held.struck;
      expect(await (await jobs.cancel(waiting)).json()).toMatchObject({
        id: waiting,
        status: 'canceled',
        attempts: [],
      });
      held.clear();
      expect((await jobs.ended(running)).status).toBe('succeeded');
      expect((await jobs.ended(next)).status).toBe('succeeded');
    });

    it('does not change an ended job', async () => {
      const { id, revision } = await jobs.ended(await jobs.start(picture()));
      expect(await (await jobs.cancel(id)).json()).toMatchObject({ status: 'succeeded', revision });
    });
  });
});

describe('a workflow through the service', () => {
  it('keeps integers and the order of nodes exactly', async () => {
    const comfyUI = await startComfyUI();
    const stack = await startStack({ baseUrl: comfyUI.url }, 'service');
    const workflow =
      '{"12":{"class_type":"SimulatedNoise","inputs":{"width":8,"height":8,"seed":18446744073709551615,"batch_size":1}},"3":{"class_type":"SaveImage","inputs":{"images":["12",0],"filename_prefix":"x"}}}';
    const response = await postJson(`${stack.url}/generate`, `{"prompt":${workflow}}`, {
      headers: { Prefer: 'respond-async' },
    });
    const { id, seeds } = (await response.json()) as JobJson;
    expect(await (await fetch(`${stack.url}/jobs/${id}/workflow`)).text()).toBe(workflow);
    expect(seeds).toEqual([{ nodeId: '12', value: '18446744073709551615' }]);
    await stack.close();
    await comfyUI.close();
  });
});
