import { createHash } from 'node:crypto';
import { FileRig } from '../support/file-rig';
import { serverSentEvents } from '../support/sse';
import { postJson } from '../support/stack';
import { anything, flatPicture, noisePicture } from '../support/workflows';

let rig: FileRig;
let color = 77_000;

beforeEach(async () => {
  rig = await FileRig.start();
});

afterEach(() => rig.close());

describe('the files of a job', () => {
  it('are stored by their hash, and fetched from ComfyUI once', async () => {
    const job = await rig.run(noisePicture(1, { batch: 3 }));
    const files = await rig.collected(job.id);
    expect(files).toHaveLength(3);
    for (const file of files) {
      const bytes = await rig.bytesOf(file);
      expect(bytes).toHaveLength(file.sizeBytes);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.sha256);
    }
    expect(rig.views).toBe(3);
    expect(job.outputs).toMatchObject(files.map(({ assetId }) => ({ assetId })));
  });

  it('are available as soon as their events are sent, while the job runs', async () => {
    const before = rig.comfyUI.faults.arm({ kind: 'hold', nodeId: '2' });
    const hold = rig.comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color);
    const prompt = { '1': source, '2': save, last: { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } } };
    const id = await rig.jobs.start(prompt);
    await before.struck;
    const events = await rig.jobs.watch(id);
    before.clear();
    for await (const { event, data } of serverSentEvents(events)) {
      if (event !== 'output') continue;
      expect((await fetch(`${rig.url}${String(data.url)}`)).status).toBe(200);
      break;
    }
    expect((await rig.jobs.job(id)).status).toBe('running');
    hold.clear();
  });

  it('of a lost attempt are no assets; those of the next one are', async () => {
    const hold = rig.comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color);
    const prompt = { '1': source, '2': save, last: { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } } };
    const id = await rig.jobs.start(prompt);
    await rig.jobs.when(id, ({ outputs }) => outputs.length === 1);
    const assets = async () =>
      ((await (await fetch(`${rig.url}/assets?jobId=${id}`)).json()) as { assets: { id: string }[] }).assets;
    const [lost] = await assets();
    hold.clear();
    await rig.comfyUI.restart();
    expect(await rig.jobs.ended(id)).toMatchObject({ status: 'succeeded', attempts: [{}, { number: 2 }] });
    expect((await assets()).map((asset) => asset.id).sort()).toEqual(
      (await rig.collected(id)).map(({ assetId }) => assetId).sort(),
    );
    expect((await fetch(`${rig.url}/assets/${lost!.id}`)).status).toBe(404);
  });

  it('are available for the idempotency key after ComfyUI and the service have restarted', async () => {
    const prompt = flatPicture(++color, { batch: 2 });
    const ask = async (key: string, fields: object = {}, headers: Record<string, string> = {}) => {
      const all = { 'Idempotency-Key': key, ...headers };
      return (await postJson(`${rig.url}/generate`, { prompt, ...fields }, { headers: all })).json();
    };
    const first = await ask('the same');
    await rig.comfyUI.close();
    await rig.restart();
    expect(first).toMatchObject({ images: [{ width: 64 }, { width: 64 }] });
    expect(await ask('the same')).toEqual(first);
    expect(await ask('the same', {}, { Prefer: 'respond-async, wait=10' })).toEqual(first);
    expect(await ask('the same', { label: 'another' })).toMatchObject({
      statusCode: 422,
      code: 'idempotency_mismatch',
    });
    expect(await ask('another')).toMatchObject({ statusCode: 503, code: 'backend_unreachable' });
    expect((await rig.jobs.list()).jobs).toHaveLength(1);
  });

  it('of a run that an earlier process started are not fetched again', async () => {
    const hold = rig.comfyUI.faults.arm({ kind: 'hold', nodeId: 'last' });
    const { '1': source, '2': save } = flatPicture(++color, { batch: 4 });
    const prompt = { '1': source, '2': save, last: { ...save!, inputs: { ...save!.inputs, filename_prefix: 'last' } } };
    const id = await rig.jobs.start(prompt);
    await rig.jobs.when(id, ({ outputs }) => outputs.length === 4);
    const before = await rig.collected(id);
    await rig.stop();
    hold.clear();
    await rig.start();
    const job = await rig.jobs.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', attempts: [{ number: 1 }] });
    // Before the end they are in the order of their downloads.
    expect(new Set((await rig.collected(id)).slice(0, 4))).toEqual(new Set(before));
    expect(job.outputs).toHaveLength(8);
    expect(rig.views).toBe(8);
  });

  it('may have equal names in two folders, no bytes, wrong extensions, or equal bytes', async () => {
    const items = [
      { key: 'a', filename: 'x.png', subfolder: 'one', content: 'first' },
      { key: 'b', filename: 'x.png', subfolder: 'two', content: 'second' },
      { key: 'c', filename: 'empty.bin', content: '' },
      { key: 'd', filename: 'copy.txt', content: 'first' },
      { key: 'e', filename: 'page.html', content: '<script>alert(1)</script>' },
      { key: 'f', filename: 'shape.glb', bytes: 2_000 },
    ];
    const job = await rig.run(anything(items));
    const files = await rig.collected(job.id);
    const contents = await Promise.all(files.slice(0, 5).map(async (file) => String(await rig.bytesOf(file))));
    expect(contents).toEqual(['first', 'second', '', 'first', '<script>alert(1)</script>']);
    expect(files.map(({ sizeBytes }) => sizeBytes)).toEqual([5, 6, 0, 5, 25, 2_000]);
    expect(files[0]!.mediaType).not.toBe('image/png');
    expect(new Set(files.map(({ assetId }) => assetId)).size).toBe(6);
    expect(await rig.stored()).toHaveLength(5);
  });

  it('exclude temporary files, unless keepPreviews is set', async () => {
    const images = flatPicture(++color);
    const prompt = { ...images, '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    expect((await rig.run(prompt)).outputs).toMatchObject([{ nodeId: '2', type: 'output' }]);
    const both = await rig.run({ ...prompt, '1': flatPicture(++color)['1']! }, { keepPreviews: true });
    expect(both.outputs).toMatchObject([
      { nodeId: '2', type: 'output' },
      { nodeId: '3', type: 'temp' },
    ]);
    const [, preview] = await rig.collected(both.id);
    expect((await rig.bytesOf(preview!)).subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('a storage that fails', () => {
  const collect = (id: string) => fetch(`${rig.url}/jobs/${id}/collect`, { method: 'POST' });

  async function failedJob(prompt: object = flatPicture(++color, { batch: 2 })): Promise<string> {
    const job = await rig.run(prompt);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'storage_failed' } });
    return job.id;
  }

  it('for a moment only delays the job', async () => {
    const restore = await rig.breakStorage();
    const id = await rig.jobs.start(flatPicture(++color));
    await rig.jobs.running(id);
    setTimeout(() => void restore(), 800);
    expect(await rig.jobs.ended(id)).toMatchObject({ status: 'succeeded', attempts: [{ number: 1 }] });
  });

  it('for longer fails the job, whose files can be collected later without another run', async () => {
    const restore = await rig.breakStorage();
    const id = await failedJob();
    const refused = await collect(id);
    expect([refused.status, await refused.json()]).toMatchObject([500, { code: 'storage_failed', jobId: id }]);
    expect((await rig.jobs.job(id)).status).toBe('failed');
    await restore();
    const responses = await Promise.all([collect(id), collect(id)]);
    for (const response of responses) {
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id, status: 'succeeded', error: null, outputs: [{}, {}] });
    }
    expect(rig.comfyUI.stats.requests['POST /prompt']).toBe(1);
    for (const file of await rig.collected(id)) expect(await rig.bytesOf(file)).toHaveLength(file.sizeBytes);
    expect((await rig.jobs.job(id)).progress).toMatchObject({ value: 1 });
  }, 60_000);

  it('leaves a job that can be collected after a restart, even if ended jobs are removed from the history', async () => {
    await rig.restart({ cleanHistory: true });
    const restore = await rig.breakStorage();
    const id = await failedJob();
    await restore();
    await rig.restart({ cleanHistory: true });
    expect(await (await collect(id)).json()).toMatchObject({ status: 'succeeded' });
  }, 60_000);

  it('leaves a job that cannot be collected if ComfyUI has lost its history', async () => {
    const restore = await rig.breakStorage();
    const id = await failedJob();
    await restore();
    await rig.comfyUI.restart();
    const response = await collect(id);
    expect([response.status, await response.json()]).toMatchObject([502, { code: 'output_missing', jobId: id }]);
    expect((await rig.jobs.job(id)).status).toBe('failed');
  }, 60_000);

  it('is the only failure after which files can be collected', async () => {
    const { id } = await rig.run(flatPicture(++color));
    const response = await collect(id);
    expect([response.status, await response.json()]).toMatchObject([409, { code: 'not_collectable', jobId: id }]);
    expect((await collect('0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d')).status).toBe(404);
  });
});
