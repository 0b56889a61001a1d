import { createHash } from 'node:crypto';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComfyUIOptions } from '../../src';
import { Housekeeping } from '../../src/application/housekeeping';
import { AssetStorage } from '../../src/application/ports/asset-storage';
import { STORING_MS } from '../../src/application/ports/stored-files';
import type { CollectedFile } from '../../src/domain/job/job';
import { JobStore } from '../../src/application/ports/job-store';
import type { Simulator } from '../../src/simulator';
import { inFolder } from '../store/places';
import { jobsOf } from '../support/jobs';
import { serverSentEvents } from '../support/sse';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { anything, flatPicture, noisePicture } from '../support/workflows';

let place: Awaited<ReturnType<typeof inFolder>>;
let comfyUI: Simulator;
let stack: Stack;
let color = 77_000;

const start = async (options: ComfyUIOptions = {}) => {
  stack = await startStack({ baseUrl: comfyUI.url, shutdownGrace: 0, ...place.options, ...options }, 'service');
};

beforeEach(async () => {
  place = await inFolder();
  comfyUI = await startComfyUI();
  await start();
});

afterEach(async () => {
  await stack.close();
  await comfyUI.close();
  await place.remove();
});

const folder = () => join(place.directory, 'assets');

async function filesStored(): Promise<string[]> {
  const entries = await readdir(folder(), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

const collectedOf = async (id: string): Promise<readonly CollectedFile[]> =>
  (await stack.app.get(JobStore).find(id))?.outputs ?? [];

async function bytesOf({ sha256 }: CollectedFile): Promise<Buffer> {
  const { stream } = await stack.app.get(AssetStorage).open(sha256, { signal: AbortSignal.timeout(5_000) });
  return Buffer.concat(await stream.toArray());
}

const run = async (prompt: object, fields: object = {}) => {
  const jobs = jobsOf(stack);
  return jobs.ended(await jobs.start(prompt, fields));
};

const views = () => comfyUI.stats.requests['GET /view'] ?? 0;

/** The disk is gone from under the storage; the function returned brings it back. */
async function breakStorage(): Promise<() => Promise<void>> {
  const aside = join(place.directory, 'aside');
  await rename(folder(), aside);
  await writeFile(folder(), 'not a folder');
  return async () => {
    await rm(folder());
    await rename(aside, folder());
  };
}

describe('the files of a job', () => {
  it('are kept, by what is in them, and fetched from ComfyUI once', async () => {
    const job = await run(noisePicture(1, { batch: 3 }));
    const files = await collectedOf(job.id);
    expect(files).toHaveLength(3);
    for (const file of files) {
      const bytes = await bytesOf(file);
      expect(bytes).toHaveLength(file.sizeBytes);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
    }
    expect(views()).toBe(3);
    expect(job.outputs).toMatchObject(files.map(({ assetId }) => ({ assetId })));
  });

  it('are there as soon as they are told of, while the job goes on', async () => {
    const before = comfyUI.faults.arm({ kind: 'hold', nodeId: '2' });
    const hold = comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color);
    const prompt = { '1': source, '2': save, last: { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } } };
    const id = await jobsOf(stack).start(prompt);
    await before.struck;
    const events = await jobsOf(stack).watch(id);
    before.clear();
    for await (const { event, data } of serverSentEvents(events)) {
      if (event !== 'output') continue;
      expect((await fetch(`${stack.url}${String(data.url)}`)).status).toBe(200);
      break;
    }
    expect((await jobsOf(stack).job(id)).status).toBe('running');
    hold.clear();
  });

  it('of an attempt that was lost are no assets; those of the next are', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color);
    const prompt = { '1': source, '2': save, last: { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } } };
    const id = await jobsOf(stack).start(prompt);
    await jobsOf(stack).when(id, ({ outputs }) => outputs.length === 1);
    const assets = async () =>
      ((await (await fetch(`${stack.url}/assets?jobId=${id}`)).json()) as { assets: { id: string }[] }).assets;
    const [lost] = await assets();
    hold.clear();
    await comfyUI.restart();
    expect(await jobsOf(stack).ended(id)).toMatchObject({ status: 'succeeded', attempts: [{}, { number: 2 }] });
    expect((await assets()).map((asset) => asset.id).sort()).toEqual(
      (await collectedOf(id)).map(({ assetId }) => assetId).sort(),
    );
    expect((await fetch(`${stack.url}/assets/${lost!.id}`)).status).toBe(404);
  });

  it('are answered after ComfyUI and our own process are gone', async () => {
    const headers = { 'Idempotency-Key': 'the same', Prefer: 'respond-async, wait=10' };
    const ask = async () => (await postJson(`${stack.url}/generate`, { prompt }, { headers })).json();
    const prompt = flatPicture(++color, { batch: 2 });
    const first = await ask();
    await comfyUI.close();
    await stack.close();
    await start();
    expect(await ask()).toEqual(first);
    expect(first).toMatchObject({ images: [{ width: 64 }, { width: 64 }] });
  });

  it('of a run that an earlier process followed are not fetched again', async () => {
    const hold = comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color, { batch: 4 });
    const prompt = { '1': source, '2': save, last: { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } } };
    const id = await jobsOf(stack).start(prompt);
    await jobsOf(stack).when(id, ({ outputs }) => outputs.length === 4);
    const before = await collectedOf(id);
    await stack.close();
    hold.clear();
    await start();
    const job = await jobsOf(stack).ended(id);
    expect(job).toMatchObject({ status: 'succeeded', attempts: [{ number: 1 }] });
    expect((await collectedOf(id)).slice(0, 4)).toEqual(before);
    expect(job.outputs).toHaveLength(8);
    expect(views()).toBe(8);
  });

  it('may be anything: of one name in two folders, empty, not what their names say, the same bytes twice', async () => {
    const items = [
      { key: 'a', filename: 'x.png', subfolder: 'one', content: 'first' },
      { key: 'b', filename: 'x.png', subfolder: 'two', content: 'second' },
      { key: 'c', filename: 'empty.bin', content: '' },
      { key: 'd', filename: 'copy.txt', content: 'first' },
      { key: 'e', filename: 'page.html', content: '<script>alert(1)</script>' },
      { key: 'f', filename: 'shape.glb', bytes: 2_000 },
    ];
    const job = await run(anything(items));
    const files = await collectedOf(job.id);
    const contents = await Promise.all(files.slice(0, 5).map(async (file) => String(await bytesOf(file))));
    expect(contents).toEqual(['first', 'second', '', 'first', '<script>alert(1)</script>']);
    expect(files.map(({ sizeBytes }) => sizeBytes)).toEqual([5, 6, 0, 5, 25, 2_000]);
    expect(files[0]!.mediaType).not.toBe('image/png');
    expect(new Set(files.map(({ assetId }) => assetId)).size).toBe(6);
    expect(await filesStored()).toHaveLength(5);
  });

  it('are the real ones, and the temporary ones too when they are asked for', async () => {
    const pictures = flatPicture(++color);
    const prompt = { ...pictures, '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    expect((await run(prompt)).outputs).toMatchObject([{ nodeId: '2', type: 'output' }]);
    const both = await run({ ...prompt, '1': flatPicture(++color)['1']! }, { keepPreviews: true });
    expect(both.outputs).toMatchObject([
      { nodeId: '2', type: 'output' },
      { nodeId: '3', type: 'temp' },
    ]);
    const [, preview] = await collectedOf(both.id);
    expect((await bytesOf(preview!)).subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('files that nobody needs any more', () => {
  const clear = (at: number) => stack.app.get(Housekeeping).clear(at);

  it('go when the last job that made them is deleted, and not before', async () => {
    const same = [{ key: 'a', filename: 'a.txt', content: 'the same' }];
    const jobs = [await run(anything(same, 1)), await run(anything(same, 2))];
    expect(await filesStored()).toHaveLength(1);
    await jobsOf(stack).remove(jobs[0]!.id);
    await clear(Date.now() + STORING_MS + 1_000);
    expect(String(await bytesOf((await collectedOf(jobs[1]!.id))[0]!))).toBe('the same');
    await jobsOf(stack).remove(jobs[1]!.id);
    await clear(Date.now());
    expect(await filesStored()).toHaveLength(1);
    await clear(Date.now() + STORING_MS + 1_000);
    expect(await filesStored()).toEqual([]);
    const again = await run(anything(same, 3));
    expect(String(await bytesOf((await collectedOf(again.id))[0]!))).toBe('the same');
  });

  it('go with their jobs when those were kept for long enough; jobs that go on stay', async () => {
    await stack.close();
    await start({ retentionDays: 2 });
    const day = 24 * 60 * 60 * 1000;
    const old = await run(flatPicture(++color));
    const hold = comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const going = await jobsOf(stack).start(flatPicture(++color));
    await jobsOf(stack).running(going);
    await clear(Date.now() + 2 * day - 60_000);
    expect((await jobsOf(stack).job(old.id)).status).toBe('succeeded');
    await clear(Date.now() + 2 * day + 60_000);
    expect((await jobsOf(stack).list()).jobs.map(({ id }) => id)).toEqual([going]);
    expect(await filesStored()).toEqual([]);
    hold.clear();
    expect((await jobsOf(stack).ended(going)).status).toBe('succeeded');
  });

  it('are kept for ever unless told otherwise', async () => {
    const { id } = await run(flatPicture(++color));
    await clear(Date.now() + 1e12);
    expect((await jobsOf(stack).job(id)).status).toBe('succeeded');
    expect(await filesStored()).toHaveLength(1);
  });
});

describe("ComfyUI's history", () => {
  const entries = async (id: string) =>
    Object.keys((await (await fetch(`${comfyUI.url}/history/${id}`)).json()) as object);

  it('is left alone', async () => {
    const { id } = await run(flatPicture(++color));
    expect(await entries(id)).toEqual([id]);
  });

  it('is made to forget jobs that have ended, if that is wanted', async () => {
    await stack.close();
    await start({ cleanHistory: true });
    const others = await (await postJson(`${comfyUI.url}/prompt`, { prompt: flatPicture(++color) })).json();
    const { id } = await run(flatPicture(++color));
    for (let look = 0; look < 50 && (await entries(id)).length > 0; look++)
      await new Promise((done) => setTimeout(done, 20));
    expect(await entries(id)).toEqual([]);
    const { prompt_id: other } = others as { prompt_id: string };
    expect(await entries(other)).toEqual([other]);
  });
});

describe('a storage that fails', () => {
  const collect = (id: string) => fetch(`${stack.url}/jobs/${id}/collect`, { method: 'POST' });

  async function failedJob(prompt: object = flatPicture(++color, { batch: 2 })): Promise<string> {
    const job = await run(prompt);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'storage_failed' } });
    return job.id;
  }

  it('for a moment costs nothing but the moment', async () => {
    const restore = await breakStorage();
    const id = await jobsOf(stack).start(flatPicture(++color));
    await jobsOf(stack).running(id);
    setTimeout(() => void restore(), 800);
    expect(await jobsOf(stack).ended(id)).toMatchObject({ status: 'succeeded', attempts: [{ number: 1 }] });
  });

  it('for longer fails the job, whose files can be collected later without another run', async () => {
    const restore = await breakStorage();
    const id = await failedJob();
    const refused = await collect(id);
    expect([refused.status, await refused.json()]).toMatchObject([500, { code: 'storage_failed', jobId: id }]);
    expect((await jobsOf(stack).job(id)).status).toBe('failed');
    await restore();
    const answers = await Promise.all([collect(id), collect(id)]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ id, status: 'succeeded', error: null, outputs: [{}, {}] });
    }
    expect(comfyUI.stats.requests['POST /prompt']).toBe(1);
    for (const file of await collectedOf(id)) expect(await bytesOf(file)).toHaveLength(file.sizeBytes);
    expect((await jobsOf(stack).job(id)).progress).toMatchObject({ value: 1 });
  }, 60_000);

  it('leaves a job that can be collected after a restart, even if ComfyUI is made to forget those that ended', async () => {
    await stack.close();
    await start({ cleanHistory: true });
    const restore = await breakStorage();
    const id = await failedJob();
    await restore();
    await stack.close();
    await start({ cleanHistory: true });
    expect(await (await collect(id)).json()).toMatchObject({ status: 'succeeded' });
  }, 60_000);

  it('leaves a job that can not be collected when ComfyUI has forgotten it', async () => {
    const restore = await breakStorage();
    const id = await failedJob();
    await restore();
    await comfyUI.restart();
    const answer = await collect(id);
    expect([answer.status, await answer.json()]).toMatchObject([502, { code: 'output_missing', jobId: id }]);
    expect((await jobsOf(stack).job(id)).status).toBe('failed');
  }, 60_000);

  it('is the only thing that can be made up for so', async () => {
    const { id } = await run(flatPicture(++color));
    const answer = await collect(id);
    expect([answer.status, await answer.json()]).toMatchObject([409, { code: 'not_collectable', jobId: id }]);
    expect((await collect('0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d')).status).toBe(404);
  });
});
