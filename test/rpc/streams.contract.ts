import { lastValueFrom, type Observable, type Subscription, toArray } from 'rxjs';
import { JobRegistry } from '../../src/application/jobs/job-registry';
import type { GenerateCall, GenerationEvent, JobStreamMessage } from '../../src/client';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { startComfyUI } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';
import { failure } from './calls.contract';
import type { MeetingPlace } from './meeting-place';
import { type Caller, type RunningService, startCaller, startHybrid } from './service';

/** What a stream tells, and when, for as long as somebody listens. */
class Listening<T extends GenerationEvent | JobStreamMessage> {
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

  /** The id of the job, once it is told. */
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

export function describeStreams(place: MeetingPlace): void {
  describe('streams', () => {
    let comfyUI: Simulator;
    let service: RunningService;
    let caller: Caller;
    let color = 10_000;

    beforeAll(async () => {
      comfyUI = await startComfyUI({ speed: 1 });
      const variables = { COMFYUI_BASE_URL: comfyUI.url, PUBLIC_URL: 'https://pictures.example.com/comfy' };
      service = await startHybrid(place.address(), { ...variables, COMFYUI_CONCURRENCY: '1' });
      caller = await startCaller(service.address);
    });

    afterAll(async () => {
      await caller.close();
      await service.close();
      await comfyUI.close();
    });

    const listen = (call: GenerateCall) => new Listening(caller.remote.generate(call));
    const told = <T>(stream: Observable<T>) => lastValueFrom(stream.pipe(toArray()));
    const status = async (id: string) => (await caller.remote.job(id)).status;
    const watched = () => service.app.get(JobRegistry).held();
    const slow = (seconds: number, steps = Math.ceil(seconds * 10)) => slowPicture(++color, { seconds, steps });

    it('generate() tells the job, its progress, each output and the result, without bytes', async () => {
      const events = await told(caller.remote.generate({ prompt: slow(0.5) }));
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

    it('tells the progress at least once a second when nothing happens', async () => {
      const listening = listen({ prompt: slow(3, 1) });
      await eventually(() => expect(listening.kinds.at(-1)).toBe('result'));
      const times = listening.events.map(({ at }) => at);
      const pauses = times.slice(1).map((at, index) => at - times[index]!);
      expect(pauses.filter((pause) => pause > 400).length).toBeGreaterThanOrEqual(2);
      expect(Math.max(...pauses)).toBeLessThan(1_500);
    });

    it('events() tells the whole job, its changes, and its end', async () => {
      const { jobId } = await caller.remote.workflow(slow(0.7));
      const events = await told(caller.remote.events(jobId));
      expect(events.map(({ kind }) => kind).join(' ')).toMatch(/^job( job| progress)+ output( progress)* end$/);
      expect(events[0]).toMatchObject({ kind: 'job', job: { id: jobId } });
      expect(events.at(-1)).toEqual({ kind: 'end', job: await caller.remote.job(jobId) });
      const late = await told(caller.remote.events(jobId));
      expect(late).toEqual([events.at(-1)]);
    });

    it('the end of a failed job is told to who watches, and an error for who waits', async () => {
      const prompt = {
        ...slow(0.3),
        '4': { class_type: 'SimulatedFiles', inputs: { items: 'not JSON', seed: ++color } },
      };
      const { jobId, code, details } = await failure(caller.remote.result({ prompt }));
      const events = await told(caller.remote.events(String(jobId)));
      expect(events).toEqual([{ kind: 'end', job: expect.objectContaining({ id: jobId, status: 'failed' }) }]);
      expect(events[0]?.kind === 'end' && events[0].job.error?.code).toBe(code);
      expect(details).toMatchObject({ nodeId: '4', traceback: expect.any(Array) });
    });

    it('who unsubscribes is told no more, and the job goes on', async () => {
      const listening = listen({ prompt: slow(2) });
      const id = await listening.jobId();
      const watching = new Listening(caller.remote.events(id));
      await watching.jobId();
      await eventually(() => expect(listening.kinds).toContain('progress'));
      listening.stop();
      watching.stop();
      await eventually(() => expect(watched()).toEqual([]), 1_000);
      expect(await status(id)).toBe('running');
      await eventually(async () => expect(await status(id)).toBe('succeeded'));
    });

    it('unless the call says cancelOnDisconnect: then it is canceled', async () => {
      const listening = listen({ prompt: slow(20), cancelOnDisconnect: true });
      const id = await listening.jobId();
      listening.stop();
      await eventually(async () => expect(await status(id)).toBe('canceled'));
      expect(watched()).toEqual([]);
    });

    it('also before it was told of its job', async () => {
      const known = (await caller.remote.jobs({ limit: 1 })).jobs[0]?.id;
      await caller.remote.status();
      const listening = listen({ prompt: slow(20), cancelOnDisconnect: true });
      await new Promise((resolve) => setImmediate(resolve));
      listening.stop();
      await eventually(async () => {
        const [newest] = (await caller.remote.jobs({ limit: 1 })).jobs;
        expect(newest?.id === known || newest?.status === 'canceled').toBe(true);
      });
      await eventually(() => expect(watched()).toEqual([]));
    });

    it('a whole stream cancels nothing', async () => {
      const result = await caller.remote.result({ prompt: flatPicture(++color), cancelOnDisconnect: true });
      expect(await status(result.id)).toBe('succeeded');
    });

    it('a subscription begins a run, and the next another', async () => {
      const stream = caller.remote.generate({ prompt: flatPicture(++color) });
      const ids = [await told(stream), await told(stream)].map(([first]) => first?.kind === 'job' && first.job.id);
      expect(new Set(ids).size).toBe(2);
    });

    if (place.tellsDeath)
      it('a caller that dies is missed', async () => {
        const mortal = await startCaller(service.address);
        const listening = new Listening(mortal.remote.generate({ prompt: slow(20), cancelOnDisconnect: true }));
        const id = await listening.jobId();
        await mortal.close();
        await eventually(async () => expect(await status(id)).toBe('canceled'));
        expect(watched()).toEqual([]);
      });
  });
}
