import { lastValueFrom, type Observable, type Subscription, toArray } from 'rxjs';
import { JobRegistry } from '../../src/application/jobs/job-registry';
import type { GenerateCall, GenerationEvent, JobStreamMessage } from '../../src/client';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { startComfyUI } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';
import { failure } from './calls.contract';
import type { TestedTransport } from './tested-transport';
import { type Caller, type RunningService, startCaller, startHybrid } from './service';

/** The events of a stream and their times, until {@link stop}. */
class Subscribed<T extends GenerationEvent | JobStreamMessage> {
  readonly events: { readonly at: number; readonly event: T }[] = [];
  readonly #subscription: Subscription;

  constructor(stream: Observable<T>) {
    this.#subscription = stream.subscribe({
      next: (event) => this.events.push({ at: Date.now(), event }),
      error: () => undefined,
    });
  }

  get kinds(): string[] {
    return this.events.map(({ event }) => event.kind);
  }

  /** The id of the job, from the first event. */
  jobId(): Promise<string> {
    return new Promise((resolve) => {
      const look = () => {
        const [first] = this.events;
        if (first?.event.kind === 'job') resolve(first.event.job.id);
        else setTimeout(look, 5);
      };
      look();
    });
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}

export function describeStreams(transport: TestedTransport): void {
  describe('streams', () => {
    let comfyUI: Simulator;
    let service: RunningService;
    let caller: Caller;
    let color = 10_000;

    beforeAll(async () => {
      comfyUI = await startComfyUI({ speed: 1 });
      const variables = { COMFYUI_BASE_URL: comfyUI.url, PUBLIC_URL: 'https://pictures.example.com/comfy' };
      service = await startHybrid(transport.address(), { ...variables, COMFYUI_CONCURRENCY: '1' });
      caller = await startCaller(service.address);
    });

    afterAll(async () => {
      await caller.close();
      await service.close();
      await comfyUI.close();
    });

    const subscribe = (call: GenerateCall) => new Subscribed(caller.remote.generate(call));
    const received = <T>(stream: Observable<T>) => lastValueFrom(stream.pipe(toArray()));
    const status = async (id: string) => (await caller.remote.job(id)).status;
    const watched = () => service.app.get(JobRegistry).held();
    const slow = (seconds: number, steps = Math.ceil(seconds * 10)) => slowPicture(++color, { seconds, steps });

    it('generate() emits the job, its progress, each output and the result, without bytes', async () => {
      const events = await received(caller.remote.generate({ prompt: slow(0.5) }));
      const kinds = events.map(({ kind }) => kind).join(' ');
      expect(kinds).toMatch(/^job( progress)+ output( progress)* result$/);
      const [job] = events;
      const id = job?.kind === 'job' ? job.job.id : '';
      const url = expect.stringMatching(/^https:\/\/pictures\.example\.com\/comfy\/assets\/[\da-f-]{36}$/);
      const file = {
        assetId: expect.any(String),
        nodeId: '3',
        mediaType: 'image/png',
        width: 32,
        sizeBytes: expect.any(Number),
        url,
      };
      expect(events).toContainEqual({ kind: 'output', output: expect.objectContaining(file) });
      expect(events.at(-1)).toMatchObject({
        kind: 'result',
        result: { id, images: [file], files: [], texts: [], attempts: 1 },
      });
      const steps = events.flatMap((event) => (event.kind === 'progress' ? [event.progress] : []));
      expect(steps.every((step, index) => index === 0 || step.value >= steps[index - 1]!.value)).toBe(true);
      expect(steps.at(-1)).toMatchObject({
        id,
        status: 'succeeded',
        value: 1,
        attempt: 1,
        elapsedMs: expect.any(Number),
      });
      expect(JSON.stringify(events)).not.toMatch(/base64|"image":/);
    });

    it('repeats the progress at least once a second when nothing happens', async () => {
      const subscribed = subscribe({ prompt: slow(3, 1) });
      await eventually(() => expect(subscribed.kinds.at(-1)).toBe('result'));
      const times = subscribed.events.map(({ at }) => at);
      const pauses = times.slice(1).map((at, index) => at - times[index]!);
      expect(pauses.filter((pause) => pause > 400).length).toBeGreaterThanOrEqual(2);
      expect(Math.max(...pauses)).toBeLessThan(1_500);
    });

    it('events() emits the whole job, its changes, and its end', async () => {
      const { jobId } = await caller.remote.workflow(slow(0.7));
      const events = await received(caller.remote.events(jobId));
      expect(events.map(({ kind }) => kind).join(' ')).toMatch(/^job( job| progress)+ output( progress)* end$/);
      expect(events[0]).toMatchObject({ kind: 'job', job: { id: jobId } });
      expect(events.at(-1)).toEqual({ kind: 'end', job: await caller.remote.job(jobId) });
      const late = await received(caller.remote.events(jobId));
      expect(late).toEqual([events.at(-1)]);
    });

    it('the end of a failed job is an event for viewers, and an error for waiting calls', async () => {
      const prompt = {
        ...slow(0.3),
        '4': { class_type: 'SimulatedFiles', inputs: { items: 'not JSON', seed: ++color } },
      };
      const { jobId, code, details } = await failure(caller.remote.result({ prompt }));
      const events = await received(caller.remote.events(String(jobId)));
      expect(events).toEqual([{ kind: 'end', job: expect.objectContaining({ id: jobId, status: 'failed' }) }]);
      expect(events[0]?.kind === 'end' && events[0].job.error?.code).toBe(code);
      expect(details).toMatchObject({ nodeId: '4', traceback: expect.any(Array) });
    });

    it('after an unsubscription no events arrive, and the job goes on', async () => {
      const subscribed = subscribe({ prompt: slow(2) });
      const id = await subscribed.jobId();
      const watching = new Subscribed(caller.remote.events(id));
      await watching.jobId();
      await eventually(() => expect(subscribed.kinds).toContain('progress'));
      subscribed.stop();
      watching.stop();
      await eventually(() => expect(watched()).toEqual([]), 1_000);
      expect(await status(id)).toBe('running');
      await eventually(async () => expect(await status(id)).toBe('succeeded'));
    });

    it('with cancelOnDisconnect, an unsubscription cancels the job', async () => {
      const subscribed = subscribe({ prompt: slow(20), cancelOnDisconnect: true });
      const id = await subscribed.jobId();
      subscribed.stop();
      await eventually(async () => expect(await status(id)).toBe('canceled'));
      expect(watched()).toEqual([]);
    });

    it('also before the first event', async () => {
      const known = (await caller.remote.jobs({ limit: 1 })).jobs[0]?.id;
      await caller.remote.status();
      const subscribed = subscribe({ prompt: slow(20), cancelOnDisconnect: true });
      await new Promise((resolve) => setImmediate(resolve));
      subscribed.stop();
      await eventually(async () => {
        const [newest] = (await caller.remote.jobs({ limit: 1 })).jobs;
        expect(newest?.id === known || newest?.status === 'canceled').toBe(true);
      });
      await eventually(() => expect(watched()).toEqual([]));
    });

    it('a completed stream cancels nothing', async () => {
      const result = await caller.remote.result({ prompt: flatPicture(++color), cancelOnDisconnect: true });
      expect(await status(result.id)).toBe('succeeded');
    });

    it('each subscription starts a run of its own', async () => {
      const stream = caller.remote.generate({ prompt: flatPicture(++color) });
      const ids = [await received(stream), await received(stream)].map(
        ([first]) => first?.kind === 'job' && first.job.id,
      );
      expect(new Set(ids).size).toBe(2);
    });

    if (transport.reportsCrash)
      it('a caller that crashes cancels its job', async () => {
        const crashing = await startCaller(service.address);
        const subscribed = new Subscribed(crashing.remote.generate({ prompt: slow(20), cancelOnDisconnect: true }));
        const id = await subscribed.jobId();
        await crashing.close();
        await eventually(async () => expect(await status(id)).toBe('canceled'));
        expect(watched()).toEqual([]);
      });
  });
}
