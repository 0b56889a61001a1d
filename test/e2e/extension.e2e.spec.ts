import { Test } from '@nestjs/testing';
import {
  ComfyUIClient,
  ComfyUIClientFactory,
  ComfyUIModule,
  GenerationService,
  type FileStream,
  type JobEvent,
  JobEvents,
  type PromptListener,
  type PromptRequest,
  type PromptState,
  type Submission,
} from '../../src';
import { pngOf } from '../support/png';
import { flatPicture } from '../support/workflows';

const SILENT = { log: () => undefined, warn: () => undefined, error: () => undefined };

/** A ComfyUI of the host's own: every prompt succeeds at once with one image. */
class FakeComfyUI extends ComfyUIClient {
  readonly prompts: PromptRequest[] = [];
  readonly #listeners = new Map<string, PromptListener>();

  async status() {
    return { queue: { running: 0, pending: 0 }, devices: [], roundTripMs: 0 };
  }

  async nodeClasses() {
    return new Set<string>();
  }

  async submit(request: PromptRequest): Promise<Submission> {
    this.prompts.push(request);
    const { promptId } = request;
    setImmediate(() => this.#listeners.get(promptId)?.({ kind: 'finished' }));
    return { promptId, clientId: 'fake', number: 0, nodeErrors: {} };
  }

  async listen(promptId: string, listener: PromptListener) {
    this.#listeners.set(promptId, listener);
    listener({ kind: 'connected' });
    return () => void this.#listeners.delete(promptId);
  }

  onDisconnect(): void {}

  async find(): Promise<PromptState> {
    const images = [{ filename: 'fake.png', subfolder: '', type: 'output' }];
    const outputs = new Map([['3', { images }]]);
    return { state: 'finished', record: { outcome: { kind: 'succeeded' }, outputs, cached: [] } };
  }

  async view(): Promise<FileStream> {
    const stream = (async function* () {
      yield pngOf(1, 1);
    })();
    return { stream, mediaType: 'image/png', sizeBytes: undefined };
  }

  async cancel() {}

  async forget() {}

  async freeMemory() {}
}

async function startWithFake() {
  const fake = new FakeComfyUI();
  const testing = Test.createTestingModule({ imports: [ComfyUIModule.forRoot({ baseUrl: 'http://192.0.2.1:1' })] });
  const module = await testing
    .overrideProvider(ComfyUIClientFactory)
    .useValue({ create: () => fake })
    .setLogger(SILENT)
    .compile();
  return { fake, app: await module.init() };
}

describe('a host with a client of its own', () => {
  it('reaches every use of ComfyUI: the address of the options is never contacted', async () => {
    const { fake, app } = await startWithFake();
    const result = await app.get(GenerationService).generate({ workflow: flatPicture(5) });
    expect(result.images.map(({ filename }) => filename)).toEqual(['fake.png']);
    expect((await result.images[0]?.bytes())?.equals(pngOf(1, 1))).toBe(true);
    expect(fake.prompts).toHaveLength(1);
    expect(app.get(ComfyUIClient)).toBe(fake);
    result.discard();
    await app.close();
  });
});

describe('the stream of job events', () => {
  it('has the start, the outputs and the end of every job, in this order', async () => {
    const { app } = await startWithFake();
    const seen: JobEvent[] = [];
    const subscription = app.get(JobEvents).stream.subscribe((event) => seen.push(event));
    const results = await Promise.all(
      [1, 2].map((color) => app.get(GenerationService).generate({ workflow: flatPicture(color) })),
    );
    for (const { id } of results) {
      const events = seen.filter(({ job }) => job.id === id);
      const kinds = events.map(({ kind, job }) => (kind === 'output' ? kind : job.status));
      expect(kinds.at(-1)).toBe('succeeded');
      expect(kinds).toContain('output');
      expect(kinds.indexOf('output')).toBeLessThan(kinds.indexOf('succeeded'));
    }
    subscription.unsubscribe();
    for (const result of results) result.discard();
    await app.close();
  });
});
