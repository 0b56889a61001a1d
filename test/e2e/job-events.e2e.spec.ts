import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobRegistry } from '../../src/application/jobs/job-registry';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { jobsOf } from '../support/jobs';
import { type ServerSentEvent, serverSentEvents } from '../support/sse';
import { PLATFORMS, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';

let color = 0;
const picture = () => flatPicture(++color);

/** An event stream that has received the current state. */
async function openStream({ url }: Stack, id: string, lastEventId?: string) {
  const headers = lastEventId === undefined ? undefined : { 'Last-Event-ID': lastEventId };
  const response = await fetch(`${url}/jobs/${id}/events`, { headers });
  const events: ServerSentEvent[] = [];
  const ended = (async () => {
    for await (const event of serverSentEvents(response)) events.push(event);
    return events;
  })();
  await eventually(() => expect(events[0]).toBeDefined());
  return { response, ended };
}

describe.each(PLATFORMS)('GET /jobs/:id/events on %s', (platform) => {
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

  it('sends any number of streams the job from its current state to its end', async () => {
    const first = comfyUI.faults.arm({ kind: 'hold', nodeId: '1' });
    const id = await jobs.start(slowPicture(++color, { seconds: 0, steps: 4 }));
    await first.struck;
    const early = await openStream(stack, id);
    const second = comfyUI.faults.arm({ kind: 'hold', nodeId: '3' });
    first.clear();
    await second.struck;
    await eventually(async () => expect((await jobs.job(id)).progress).toMatchObject({ currentNode: '3' }));
    const late = await openStream(stack, id);
    second.clear();
    const [earlyEvents, lateEvents] = await Promise.all([early.ended, late.ended]);
    const { outputs } = await jobs.job(id);
    for (const events of [earlyEvents, lateEvents]) {
      expect(events[0]).toMatchObject({ event: 'job', data: { id } });
      expect(events.filter(({ event }) => event === 'output').map(({ data }) => data)).toEqual(outputs);
      expect(events.at(-1)).toMatchObject({ event: 'end', data: { id, status: 'succeeded', outputs } });
      expect(events.filter(({ event }) => event === 'end')).toHaveLength(1);
      const ids = events.filter(({ event }) => event !== '').map((event) => Number(event.id));
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
      expect(JSON.stringify(events)).not.toContain('clientId');
    }
    const previews = earlyEvents.filter(({ event }) => event === 'preview').map(({ data }) => data);
    expect(previews[0]).toMatchObject({ nodeId: '2', mediaType: expect.stringMatching(/^image\//) });
    expect(lateEvents[0]?.data).toMatchObject({ status: 'running', preview: previews.at(-1) });
  });

  it('is an event stream that proxies must not cache or buffer', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobs.start(picture());
    await held.struck;
    const { response, ended } = await openStream(stack, id);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-job-id': id,
    });
    held.clear();
    await ended;
  });

  it('does not affect the job: it continues after its streams close, and is released', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobs.start(picture());
    await held.struck;
    const controller = new AbortController();
    const registry = stack.app.get(JobRegistry, { strict: false });
    for await (const { event } of serverSentEvents(await jobs.watch(id, controller.signal))) {
      expect(event).toBe('job');
      expect(registry.peek(id)?.isHeld).toBe(true);
      break;
    }
    controller.abort();
    await eventually(() => expect(registry.peek(id)?.isHeld).toBe(false));
    held.clear();
    expect((await jobs.ended(id)).status).toBe('succeeded');
    await eventually(() => expect(registry.peek(id)).toBeUndefined());
  });

  if (platform !== 'service') return;

  it('sends progress with attempt and step', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', nodeId: '1' });
    const id = await jobs.start(slowPicture(++color, { seconds: 0.2, steps: 4 }));
    await held.struck;
    const { ended } = await openStream(stack, id);
    held.clear();
    const progress = (await ended).filter(({ event }) => event === 'progress').map(({ data }) => data);
    expect(progress).toContainEqual(
      expect.objectContaining({ id, status: 'running', attempt: 1, currentNode: '2', nodesTotal: 3 }),
    );
  });

  it('sends only the end of an ended job, also after a reconnect', async () => {
    const { id } = await jobs.ended(await jobs.start(picture()));
    expect(await (await openStream(stack, id, '3')).ended).toMatchObject([
      { event: 'end', data: { id, status: 'succeeded' } },
    ]);
  });

  it('ends with a canceled job', async () => {
    const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobs.start(picture());
    await held.struck;
    await jobs.running(id);
    const { ended } = await openStream(stack, id);
    await jobs.cancel(id);
    expect((await ended).at(-1)).toMatchObject({ event: 'end', data: { status: 'canceled' } });
  });
});

it('streams receive the queue position of a waiting job repeatedly, and the whole job when it starts', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url, prefetch: 0, timing: { eventRepeat: 300 } }, 'service');
  const jobs = jobsOf(stack);
  const held = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
  const [running, before, id] = [
    await jobs.start(picture()),
    await jobs.start(picture()),
    await jobs.start(picture()),
  ] as const;
  await held.struck;
  const { ended } = await openStream(stack, id);
  await jobs.cancel(before);
  await sleep(1_000);
  held.clear();
  const events = await ended;
  expect(events[0]).toMatchObject({ event: 'job', data: { status: 'queued', queuePosition: 2 } });
  expect(events[1]).toMatchObject({ event: 'progress', data: { status: 'queued', queuePosition: 1 } });
  expect(events.filter(({ event }) => event === 'job').map(({ data }) => data.status)).toEqual(['queued', 'running']);
  await jobs.ended(running);
  await stack.close();
  await comfyUI.close();
});

describe.each(PLATFORMS)('when %s shuts down', (platform) => {
  it('streams close at once with a retry time', async () => {
    const comfyUI = await startComfyUI();
    const stack = await startStack({ baseUrl: comfyUI.url, shutdownGrace: 10 }, platform);
    const jobs = jobsOf(stack);
    comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const id = await jobs.start(picture());
    const text = rawText(`${stack.url}/jobs/${id}/events`);
    await jobs.running(id);
    const started = Date.now();
    await stack.close();
    expect(Date.now() - started).toBeLessThan(5_000);
    expect(await text).toMatch(/^id: \d+\nevent: job\n[\s\S]*\n\nretry: 3000\n\n$/);
    await comfyUI.close();
  });
});

/** The body of a response that must end properly. */
function rawText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end();
  });
}
