import { readFileSync } from 'node:fs';
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs';
import { ComfyUIError, type GenerateCall, type JobsCall } from '../../src/client';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { postJson, startComfyUI } from '../support/stack';
import { flatPicture, noisePicture, slowPicture } from '../support/workflows';
import type { TestedTransport } from './tested-transport';
import { type Caller, type RunningService, startCaller, startHybrid } from './service';

const TXT2IMG = (JSON.parse(readFileSync('examples/txt2img.json', 'utf8')) as { prompt: Record<string, unknown> })
  .prompt;

/** The error of a failed call, as data. */
export async function failure(call: Promise<unknown>): Promise<Record<string, unknown>> {
  const error: unknown = await call.then(
    () => expect('an answer').toBe('an error'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ComfyUIError);
  const { code, message, jobId, details } = error as ComfyUIError;
  return { code, message, jobId, details };
}

/** Every pattern, compared with its HTTP endpoint. */
export function describeCalls(transport: TestedTransport): void {
  describe('calls', () => {
    let comfyUI: Simulator;
    let service: RunningService;
    let caller: Caller;
    let color = 0;

    beforeAll(async () => {
      comfyUI = await startComfyUI({ speed: 10 });
      service = await startHybrid(transport.address(), { COMFYUI_BASE_URL: comfyUI.url });
      caller = await startCaller(service.address);
    });

    afterAll(async () => {
      await caller.close();
      await service.close();
      await comfyUI.close();
    });

    const remote = () => caller.remote;
    const get = async (path: string) =>
      (await (await fetch(`${service.url}${path}`)).json()) as Record<string, unknown>;

    it('status() is that of GET /comfyui/status', async () => {
      const { data } = (await get('/comfyui/status')) as { data: object };
      const whenever = (status: object) =>
        JSON.parse(JSON.stringify(status).replace(/"(roundTripMs|memoryFree)":[\d.]+/g, '"$1":0'));
      expect(whenever(await remote().status())).toEqual(whenever(data));
    });

    it('workflow() submits a workflow and does not wait for it', async () => {
      const queued = await remote().workflow(slowPicture(++color, { seconds: 10 }));
      expect(queued).toEqual({
        promptId: queued.jobId,
        jobId: expect.any(String),
        status: expect.stringMatching(/^(queued|running)$/),
        number: expect.any(Number),
        nodeErrors: {},
      });
      await eventually(async () => expect((await remote().job(queued.jobId)).status).toBe('succeeded'));
    });

    it('job() and jobs() are GET /jobs/:id and GET /jobs', async () => {
      const { id } = await remote().result({ prompt: flatPicture(++color), label: 'portrait', priority: 3 });
      const job = await remote().job(id);
      expect(job).toEqual(await get(`/jobs/${id}`));
      expect(job).toMatchObject({ id, status: 'succeeded', label: 'portrait', priority: 3 });
      const page = await remote().jobs({ status: ['succeeded', 'failed'], limit: 1 });
      expect(page).toEqual(await get('/jobs?status=succeeded,failed&limit=1'));
      const next = await remote().jobs({ status: 'succeeded', limit: 200, cursor: page.next! });
      expect(next.jobs.map((each) => each.id)).not.toContain(id);
    });

    it('cancel() cancels exactly that job, and again changes nothing', async () => {
      const { jobId } = await remote().workflow(slowPicture(++color, { seconds: 200, steps: 200 }));
      expect(await remote().cancel(jobId)).toMatchObject({ id: jobId });
      await eventually(async () => expect((await remote().job(jobId)).status).toBe('canceled'));
      expect(await remote().cancel(jobId)).toMatchObject({ status: 'canceled' });
    });

    it('result() is the response of POST /generate with links, and holds no bytes', async () => {
      const result = await remote().result({ prompt: TXT2IMG });
      const response = await postJson(`${service.url}/generate`, { prompt: TXT2IMG, response: 'url' });
      const { image, ...expected } = (await response.json()) as { image: string } & typeof result;
      expect(image).toBe(expected.images[0]!.url);
      const anyRun = { id: expect.any(String), durationMs: expect.any(Number) };
      const anyAsset = { assetId: expect.any(String), url: expect.stringMatching(/^\/assets\/[\da-f-]{36}$/) };
      const images = expected.images.map((each) => Object.assign(each, anyAsset, { filename: expect.any(String) }));
      expect(result).toEqual({ ...expected, ...anyRun, images });
      const bytes = await (await fetch(`${service.url}${result.images[0]!.url}`)).arrayBuffer();
      expect(bytes.byteLength).toBe(result.images[0]!.sizeBytes);
    });

    it('links lead to images converted as the call asks', async () => {
      const { images } = await remote().result({
        prompt: flatPicture(++color),
        output: { format: 'webp', quality: 50 },
      });
      expect(images).toMatchObject([
        { mediaType: 'image/webp', url: expect.stringContaining('format=webp&quality=50') },
      ]);
      const response = await fetch(`${service.url}${images[0]!.url}`);
      expect(response.headers.get('content-type')).toBe('image/webp');
    });

    it('seeds above 2^53 arrive exactly as bigint', async () => {
      const { id } = await remote().result({ prompt: noisePicture(18446744073709551615n) });
      expect((await remote().job(id)).seeds).toEqual([{ nodeId: '1', value: '18446744073709551615' }]);
    });

    it('a seed that lost digits before the call is refused', async () => {
      const { code, message } = await failure(remote().result({ prompt: noisePicture(2 ** 60) }));
      expect({ code, message }).toEqual({ code: 'invalid_request', message: expect.stringContaining('as a string') });
    });

    it('the same idempotency key is the same job, also over HTTP', async () => {
      const call = { prompt: flatPicture(++color), idempotencyKey: `key-${process.pid}-${Date.now()}` };
      const [one, other] = await Promise.all([remote().result(call), remote().result(call)]);
      expect(other.id).toBe(one.id);
      const headers = { 'Idempotency-Key': call.idempotencyKey };
      const response = await postJson(`${service.url}/generate`, { prompt: call.prompt }, { headers });
      expect(response.headers.get('x-job-id')).toBe(one.id);
      const mismatch = remote().result({ ...call, prompt: flatPicture(++color) });
      expect(await failure(mismatch)).toMatchObject({ code: 'idempotency_mismatch' });
    });

    it.each([
      [{}],
      [{ prompt: null }],
      [{ prompt: '{}' }],
      [{ prompt: {} }],
      [{ prompt: { nodes: [], links: [] } }],
      [flatPicture(1)],
      [{ prompt: flatPicture(1), timeout: 0 }],
      [{ prompt: flatPicture(1), timeout: '5', cancelOnDisconnect: 'yes', allowPartial: 1, keepPreviews: 'no' }],
      [{ prompt: flatPicture(1), label: '', priority: 1000, labels: 'sdxl' }],
      [{ prompt: flatPicture(1), output: { format: 'gif', quality: 0 } }],
      [{ prompt: flatPicture(1), response: 'file' }],
      [{ prompt: flatPicture(1), labels: ['no such label'] }],
    ])('refuses with the code and message of POST /generate: %j', async (body) => {
      const response = await postJson(`${service.url}/generate`, body);
      const { code, message, jobId, details } = (await response.json()) as Record<string, unknown>;
      expect(code).toBe('invalid_request');
      expect(await failure(remote().result(body as GenerateCall))).toEqual({ code, message, jobId, details });
    });

    it.each([[{ status: 'done' }], [{ limit: 0 }], [{ limit: 1000 }], [{ limit: 1.5 }], [{ cursor: 'x' }]])(
      'refuses with the code and message of GET /jobs: %j',
      async (query) => {
        const { code, message } = await get(`/jobs?${new URLSearchParams(query as never).toString()}`);
        expect(await failure(remote().jobs(query as JobsCall))).toMatchObject({ code, message });
        expect(code).toBe('invalid_request');
      },
    );

    it.each(['nope', '00000000-0000-4000-8000-000000000000'])('refuses unknown jobs: %s', async (id) => {
      const { code, message } = await get(`/jobs/${id}`);
      const failures = [remote().job(id), remote().cancel(id), firstValueFrom(remote().events(id))].map(failure);
      for (const each of await Promise.all(failures)) expect(each).toMatchObject({ code, message });
      expect(code).toBe('not_found');
    });

    it.each([
      ['a workflow that ComfyUI refuses', { '1': { class_type: 'Nope', inputs: {} } }, 'invalid_workflow'],
      [
        'a node that fails',
        { ...flatPicture(1), '1': { class_type: 'LoadImage', inputs: { image: 'no.png' } } },
        'invalid_workflow',
      ],
    ])('fails for %s as POST /generate does, with the id of the job', async (_what, prompt, expected) => {
      const response = await postJson(`${service.url}/generate`, { prompt });
      const { code, message, details } = (await response.json()) as Record<string, unknown>;
      expect(code).toBe(expected);
      const jobId = expect.stringMatching(/^[\da-f-]{36}$/);
      expect(await failure(remote().result({ prompt }))).toEqual({ code, message, details, jobId });
    });

    it('after the time-out, the job goes on and its id is known', async () => {
      const { jobId, ...rest } = await failure(
        remote().result({ prompt: slowPicture(++color, { seconds: 10 }), timeout: 0.2 }),
      );
      expect(rest).toMatchObject({ code: 'timeout', message: expect.stringContaining('0.2 s') });
      await eventually(async () => expect((await remote().job(String(jobId))).status).toBe('succeeded'));
    });

    it('fifty calls at once each get their own result', async () => {
      const colors = Array.from({ length: 50 }, (_, index) => 1_000 + index);
      const made = colors.map(async (each) => {
        const events = await lastValueFrom(
          remote()
            .generate({ prompt: flatPicture(each), label: `color ${each}` })
            .pipe(toArray()),
        );
        const ids = events.flatMap((event) => (event.kind === 'job' ? [event.job.id, event.job.label] : []));
        const last = events.at(-1)!;
        expect(last.kind === 'result' && last.result.id).toBe(ids[0]);
        expect(ids[1]).toBe(`color ${each}`);
        return ids[0];
      });
      expect(new Set(await Promise.all(made)).size).toBe(50);
    });

    const huge = () => ({
      ...flatPicture(++color),
      note: { class_type: 'PreviewAny', inputs: { source: 'ü'.repeat(1024 * 1024) } },
    });

    if (transport.hasSizeLimit) {
      it('a workflow over the limit of the transport is refused with a sentence', async () => {
        expect(await failure(remote().result({ prompt: huge() }))).toMatchObject({ code: 'payload_too_large' });
        expect(await remote().status()).toMatchObject({ reachable: true });
      });
      it('a response over the limit of the transport is refused with a sentence', async () => {
        const response = await postJson(`${service.url}/generate`, { prompt: huge() });
        const { id } = (await response.json()) as { id: string };
        expect(await failure(remote().job(id))).toMatchObject({
          code: 'payload_too_large',
          message: expect.stringContaining('1048576 bytes'),
        });
        expect(await failure(lastValueFrom(remote().events(id)))).toMatchObject({ code: 'payload_too_large' });
        expect(await remote().status()).toMatchObject({ reachable: true });
      });
    } else
      it('a workflow of megabytes is accepted unchanged', async () => {
        const prompt = huge();
        const { id } = await remote().result({ prompt });
        expect(await get(`/jobs/${id}/workflow`)).toEqual(prompt);
      });
  });
}
