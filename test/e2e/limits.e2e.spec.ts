import type { ComfyUIOptions } from '../../src';
import { Timing } from '../../src/options/timing';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { jobsOf } from '../support/jobs';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';

let comfyUI: Simulator;
let stack: Stack;
let jobs: ReturnType<typeof jobsOf>;
let color = 5000;

async function start(options: ComfyUIOptions): Promise<void> {
  comfyUI = await startComfyUI();
  stack = await startStack({ baseUrl: comfyUI.url, prefetch: 0, ...options }, 'service');
  jobs = jobsOf(stack);
}

afterEach(async () => {
  await stack.close();
  await comfyUI.close();
});

const submit = (fields: object = {}) => jobs.start(flatPicture(++color), fields);
const holdRuns = () => comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });

describe('the queue', () => {
  it('is ordered by priority, then by time', async () => {
    await start({});
    const hold = holdRuns();
    const running = await submit();
    await hold.struck;
    const ids: string[] = [];
    for (const priority of [0, -5, 10, 0, 10]) ids.push(await submit({ priority }));
    hold.clear();
    for (const id of [running, ...ids]) expect((await jobs.ended(id)).status).toBe('succeeded');
    const starts = await Promise.all(ids.map((id) => jobs.job(id)));
    const order = starts
      .map(({ startedAt }, index) => ({ index, at: startedAt ?? '' }))
      .sort((a, b) => (a.at < b.at ? -1 : 1));
    expect(order.map(({ index }) => index)).toEqual([2, 4, 0, 3, 1]);
  });

  it('refuses jobs above its limit with Retry-After, and accepts them when there is space', async () => {
    await start({ maxQueue: 2 });
    const hold = holdRuns();
    const first = await submit();
    await hold.struck;
    const waiting = [await submit(), await submit()];
    const refused = await postJson(`${stack.url}/generate`, { prompt: flatPicture(++color) });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.json()).toMatchObject({ code: 'queue_full' });
    hold.clear();
    for (const id of [first, ...waiting]) await jobs.ended(id);
    expect((await jobs.ended(await submit())).status).toBe('succeeded');
  });
});

describe('a job that takes too long', () => {
  it.each([
    ['waiting here', 0],
    ['waiting at ComfyUI', 1],
  ])('to start expires: %s', async (_where, prefetch) => {
    await start({ queueTimeout: 1, prefetch });
    const hold = holdRuns();
    const running = await submit();
    await hold.struck;
    const late = await submit();
    const job = await jobs.ended(late);
    expect(job).toMatchObject({
      status: 'expired',
      error: { code: 'expired', message: expect.stringContaining('queue time-out') },
    });
    await eventually(() => expect(comfyUI.stats.remaining).toBe(1));
    hold.clear();
    expect((await jobs.ended(running)).status).toBe('succeeded');
  });

  it('to run expires, and is interrupted', async () => {
    await start({ runTimeout: 0.5 });
    const response = await postJson(`${stack.url}/generate`, {
      prompt: slowPicture(++color, { seconds: 0, steps: 1 }),
    });
    expect(response.status).toBe(200);
    comfyUI.faults.arm({ kind: 'hold', classType: 'SimulatedSleep' });
    const expired = await postJson(`${stack.url}/generate`, { prompt: slowPicture(++color) });
    expect(expired.status).toBe(504);
    expect(await expired.json()).toMatchObject({
      code: 'expired',
      message: expect.stringContaining('time-out of 0.5 s'),
    });
  });

  it('does not include a run without events for a long time', async () => {
    await start({ timing: { prompt: { ...new Timing().prompt, silence: 200, idleWorker: 400 } } });
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await submit();
    await hold.struck;
    const lookUps = () => comfyUI.stats.requests['GET /queue'] ?? 0;
    const before = lookUps();
    await eventually(() => expect(lookUps()).toBeGreaterThan(before + 4));
    expect((await jobs.job(id)).status).toBe('running');
    hold.clear();
    expect((await jobs.ended(id)).attempts).toHaveLength(1);
  });
});

describe('cancellation', () => {
  it('affects exactly one job, in any state', async () => {
    await start({ prefetch: 1 });
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const [running, accepted, waiting, other] = [await submit(), await submit(), await submit(), await submit()];
    await hold.struck;
    await jobs.when(accepted, ({ attempts }) => attempts.length === 1);
    for (const id of [waiting, accepted, running]) {
      const response = await fetch(`${stack.url}/jobs/${id}/cancel`, { method: 'POST' });
      expect(response.status).toBe(200);
      expect((await jobs.ended(id)).status).toBe('canceled');
    }
    hold.clear();
    expect((await jobs.ended(other)).status).toBe('succeeded');
    const history = Object.keys((await (await fetch(`${comfyUI.url}/history`)).json()) as object);
    expect(history).not.toContain(waiting);
    expect(history).not.toContain(accepted);
  });
});

describe('a slot of a backend', () => {
  it('is released by requests with a known idempotency key', async () => {
    await start({ prefetch: 1 });
    await jobs.ended(await submit());
    const headers = { 'Idempotency-Key': 'the-same', Prefer: 'respond-async' };
    const prompt = slowPicture(++color, { seconds: 0.2 });
    const responses = await Promise.all(
      Array.from({ length: 6 }, () => postJson(`${stack.url}/generate`, { prompt }, { headers })),
    );
    const ids = await Promise.all(responses.map(async (response) => ((await response.json()) as { id: string }).id));
    expect(new Set(ids).size).toBe(1);
    await jobs.ended(ids[0]!);
    const [first, second] = [await submit(), await submit()];
    expect([(await jobs.ended(first)).status, (await jobs.ended(second)).status]).toEqual(['succeeded', 'succeeded']);
  });
});
