import type { BackendOptions } from '../../src';
import type { Simulator, SimulatorOptions } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { FaultProxy, stopHttp } from '../support/fault-proxy';
import { jobsOf, type JobJson } from '../support/jobs';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture } from '../support/workflows';

let comfyUIs: Simulator[] = [];
let stack: Stack | undefined;
let color = 1000;

afterEach(async () => {
  await stack?.close();
  await Promise.all(comfyUIs.map((comfyUI) => comfyUI.close()));
  comfyUIs = [];
  stack = undefined;
});

async function start(
  simulators: readonly SimulatorOptions[],
  backend: (index: number) => Partial<BackendOptions> = () => ({}),
  options: { prefetch?: number; concurrency?: number } = {},
): Promise<void> {
  comfyUIs = await Promise.all(simulators.map((simulator) => startComfyUI(simulator)));
  const backends = comfyUIs.map(({ url }, index) => ({ url, ...backend(index) }));
  stack = await startStack({ backends, ...options });
  // The node classes of a single server are not read.
  const readers = comfyUIs.length > 1 ? comfyUIs : [];
  await eventually(() => expect(readers.every(({ stats }) => stats.requests['GET /object_info'] === 1)).toBe(true));
}

const jobs = () => jobsOf(stack!);
const submit = (prompt: object = flatPicture(++color), fields: object = {}) => jobs().start(prompt, fields);
const ended = (id: string) => jobs().ended(id);

const backendsOf = (jobList: readonly JobJson[]) => jobList.map(({ attempts }) => attempts.at(-1)?.backend);

/** A workflow that names a model file. */
function withModel(file: string): object {
  return { ...flatPicture(++color), '3': { class_type: 'SimulatedSink', inputs: { source: ['1', 0], model: file } } };
}

describe('several ComfyUI servers', () => {
  it('share the jobs', async () => {
    await start([{}, {}], undefined, { prefetch: 0 });
    const holds = comfyUIs.map(({ faults }) => faults.arm({ kind: 'hold', classType: 'SaveImage' }));
    const ids = [await submit(), await submit()];
    await Promise.all(holds.map(({ struck }) => struck));
    for (const hold of holds) hold.clear();
    const places = backendsOf(await Promise.all(ids.map(ended)));
    expect(new Set(places)).toEqual(new Set(comfyUIs.map(({ url }) => url)));
  });

  it('can be configured as URLs with commas', async () => {
    comfyUIs = [await startComfyUI(), await startComfyUI()];
    stack = await startStack({ baseUrl: comfyUIs.map(({ url }) => url).join(', ') });
    const status = (await (await fetch(`${stack.url}/comfyui/status`)).json()) as { data: { backends: object[] } };
    expect(status.data.backends).toMatchObject(
      comfyUIs.map(({ url }) => ({ url, reachable: true, circuit: 'closed' })),
    );
  });

  it('receive at most the prompts that they run concurrently and the prefetched ones', async () => {
    await start([{}], undefined, { prefetch: 2 });
    const hold = comfyUIs[0]!.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) ids.push(await submit());
    await hold.struck;
    await eventually(() => expect(comfyUIs[0]?.stats.remaining).toBe(3));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(comfyUIs[0]?.stats.remaining).toBe(3);
    const statuses = await Promise.all(ids.map((id) => jobs().job(id)));
    expect(statuses).toMatchObject([
      { status: 'running', queuePosition: null },
      { status: 'queued', queuePosition: 0 },
      { status: 'queued', queuePosition: 0 },
      { status: 'queued', queuePosition: 1 },
      { status: 'queued', queuePosition: 2 },
      { status: 'queued', queuePosition: 3 },
    ]);
    hold.clear();
    for (const id of ids) expect((await ended(id)).status).toBe('succeeded');
  });

  it('receive the next prompt at the end of a run, while its files are still collected', async () => {
    await start([{}], undefined, { prefetch: 0 });
    comfyUIs[0]!.faults.arm({ kind: 'slow-view', ms: 1_500 });
    const [first, second] = [await submit(), await submit()];
    expect((await ended(second)).status).toBe('succeeded');
    expect((await jobs().job(first)).status).toBe('running');
    expect((await ended(first)).status).toBe('succeeded');
  });

  it('that used the models of a workflow last receive it again', async () => {
    await start([{}, {}, {}]);
    const first = await ended(await submit(withModel('a.safetensors')));
    const others = [
      await ended(await submit(withModel('b.safetensors'))),
      await ended(await submit(withModel('c.safetensors'))),
    ];
    const again = [];
    for (const model of ['c', 'a', 'b', 'a']) again.push(await ended(await submit(withModel(`${model}.safetensors`))));
    const [a, b, c] = backendsOf([first, ...others]);
    expect(backendsOf(again)).toEqual([c, a, b, a]);
    expect(new Set([a, b, c]).size).toBe(3);
  });

  it('receive only workflows whose node classes they know', async () => {
    await start([{ missingNodes: ['SimulatedSink'] }, {}]);
    for (let i = 0; i < 3; i++) {
      const job = await ended(await submit(withModel(`${i}.safetensors`)));
      expect(job).toMatchObject({ status: 'succeeded', attempts: [{ backend: comfyUIs[1]?.url }] });
    }
  });

  it('validate a workflow whose node classes none of them knows', async () => {
    await start([{}, {}]);
    const response = await postJson(`${stack?.url}/generate`, { prompt: { '1': { class_type: 'Nope', inputs: {} } } });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'invalid_workflow', message: expect.stringContaining('Nope') });
  });

  it('have labels, which a job may require', async () => {
    await start([{}, {}], (index) => ({ labels: index === 1 ? ['video'] : [] }));
    for (let i = 0; i < 2; i++)
      expect(backendsOf([await ended(await submit(undefined, { labels: ['video'] }))])).toEqual([comfyUIs[1]?.url]);
    const response = await postJson(`${stack?.url}/generate`, { prompt: flatPicture(++color), labels: ['audio'] });
    expect(response.status).toBe(400);
  });

  it('have labels, which are part of the request of an Idempotency-Key', async () => {
    await start([{}], () => ({ labels: ['video'] }));
    const [prompt, headers] = [flatPicture(++color), { 'Idempotency-Key': 'labelled', Prefer: 'respond-async' }];
    const ask = async (fields: object) =>
      (await postJson(`${stack?.url}/generate`, { prompt, ...fields }, { headers })).status;
    expect([await ask({ labels: ['video'] }), await ask({}), await ask({ labels: ['video'] })]).toEqual([
      202, 422, 202,
    ]);
  });

  it('that fail receive no prompts until they respond again', async () => {
    await start([{}, {}]);
    const [faulty, healthy] = comfyUIs as [Simulator, Simulator];
    const proxy = faulty.faults.arm({ kind: 'proxy', status: 502, times: Infinity });
    const endedJobs: JobJson[] = [];
    for (let i = 0; i < 4; i++) endedJobs.push(await ended(await submit()));
    expect(new Set(backendsOf(endedJobs))).toEqual(new Set([healthy.url]));
    expect(endedJobs.every(({ attempts }) => attempts.length === 1)).toBe(true);
    const status = async () => (await (await fetch(`${stack?.url}/comfyui/status`)).json()) as object;
    expect(await status()).toMatchObject({
      data: { backends: [{ circuit: 'open', reachable: false }, { circuit: 'closed' }] },
    });
    proxy.clear();
    await eventually(async () =>
      expect(await status()).toMatchObject({ data: { backends: [{ circuit: 'closed' }, {}] } }),
    );
    expect(backendsOf([await ended(await submit())])).toEqual([faulty.url]);
  });
});

describe('a job whose server is lost', () => {
  it('ends on another one, as the same job', async () => {
    await start([{}, {}]);
    const restart = comfyUIs.map(({ faults }) =>
      faults.arm({ kind: 'restart', after: 'execution_start', downMs: 2_000 }),
    );
    const response = postJson(`${stack?.url}/generate`, { prompt: flatPicture(++color) });
    await Promise.race(restart.map(({ struck }) => struck));
    for (const armed of restart) if (armed.fired === 0) armed.clear();
    const body = (await (await response).json()) as { id: string; attempts: number };
    expect(body).toMatchObject({ attempts: 2, image: expect.stringMatching(/^iVBOR/) });
    const job = await ended(body.id);
    expect(job.attempts[0]?.promptId).toBe(job.id);
    expect(new Set(backendsOf([job, { ...job, attempts: job.attempts.slice(0, 1) }])).size).toBe(2);
  });

  it('is assigned to another one if its server is unreachable, without errors', async () => {
    comfyUIs = [await startComfyUI(), await startComfyUI()];
    const proxy = await FaultProxy.to(comfyUIs[0]!.url);
    stack = await startStack({ backends: [proxy, comfyUIs[1]!].map(({ url }) => ({ url })) });
    const urls = async (ids: readonly string[]) => backendsOf(await Promise.all(ids.map(ended)));
    await eventually(async () => expect(await urls([await submit()])).toEqual([proxy.url]));
    await eventually(async () => expect(await urls([await submit()])).toEqual([comfyUIs[1]!.url]));
    stopHttp(proxy);
    const responses = await Promise.all(
      [1, 2, 3, 4].map(() => postJson(`${stack!.url}/generate`, { prompt: flatPicture(++color) })),
    );
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(stack.logs.join('\n')).toMatch(/returns to the queue from .*ECONNREFUSED/);
  });

  it('fails after the maximum number of attempts', async () => {
    await start([{}, {}]);
    for (const { faults } of comfyUIs)
      faults.arm({
        kind: 'node-exception',
        classType: 'SaveImage',
        message: 'CUDA error: unspecified launch failure',
        times: Infinity,
      });
    const job = await ended(await submit());
    expect(job).toMatchObject({ status: 'failed', error: { code: 'execution_failed' } });
    expect(backendsOf(job.attempts.map((attempt) => ({ ...job, attempts: [attempt] })))).toHaveLength(3);
  });
});
