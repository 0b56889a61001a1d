import { EXAMPLE_WORKFLOW } from '../../src/presentation/shared/generate/example-workflow';
import { AssetRig, refusal } from '../support/asset-rig';
import { eventually } from '../support/eventually';
import { TIME } from '../support/jobs';
import { PLATFORMS } from '../support/stack';
import { anything, flatPicture } from '../support/workflows';

const UUID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';

describe.each(PLATFORMS)('/assets on %s', (platform) => {
  let rig: AssetRig;

  beforeAll(async () => {
    rig = await AssetRig.start(platform);
  });

  afterEach(() => rig.comfyUI.faults.clear());
  afterAll(() => rig.close());

  it.each([
    ['GET', ''],
    ['GET', '?format=webp'],
    ['GET', '/meta'],
    ['DELETE', ''],
  ])('%s /assets/:id%s answers 404 for an unknown asset', async (method, path) => {
    for (const id of [UUID, 'abc', '%0d%0aX-Evil:%201', 'x'.repeat(90), '%22%3Cscript%3E', '..%2f..%2fetc']) {
      const response = await fetch(`${rig.url}/assets/${id}${path}`, { method });
      const text = await response.text();
      expect([response.status, JSON.parse(text).code]).toEqual([404, 'not_found']);
      expect(text).not.toMatch(/Evil|script|xxx|etc/);
    }
  });

  describe('the list', () => {
    it.each([
      'limit=0',
      'limit=101',
      'cursor=nonsense',
      'mediaType=png',
      'jobId=7',
      'from=yesterday',
      'before=2026-02-30',
      'label=a&label=b',
      `text=${'x'.repeat(501)}`,
    ])('refuses ?%.30s with a message', async (query) => {
      const response = await fetch(`${rig.url}/assets?${query}`);
      const { status, code, message } = await refusal(response);
      expect([status, code]).toEqual([400, 'invalid_request']);
      expect(message).toContain(query.slice(0, query.indexOf('=')));
    });

    it('accepts any text', async () => {
      for (const text of ['%00', '%ED%A0%80', '%25', "'", '%5C', '%FF', '%F0%9F%A6%8A'])
        expect((await fetch(`${rig.url}/assets?text=${text}&label=${text}`)).status).toBe(200);
    });

    if (platform !== 'service') return;

    it('is newest first, page by page, also while assets are added', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 4; i++) ids.unshift((await rig.one()).id);
      const first = await rig.assets.list('?limit=2');
      await rig.one();
      const second = await rig.assets.list(`?limit=2&cursor=${encodeURIComponent(first.next!)}`);
      expect([...first.assets, ...second.assets].map(({ id }) => id)).toEqual(ids);
    });

    it('ends with a page without next', async () => {
      let page = await rig.assets.list('?limit=100');
      for (let i = 0; page.next !== null && i < 20; i++) page = await rig.assets.list(`?limit=100&cursor=${page.next}`);
      expect(page.next).toBeNull();
    });

    it('is filtered by all metadata', async () => {
      const { id: jobId } = await rig.jobs.ended(await rig.jobs.start(EXAMPLE_WORKFLOW));
      const [asset] = await rig.assets.ofJob(jobId);
      const { id, createdAt } = asset!;
      const next = new Date(Date.parse(createdAt) + 1).toISOString();
      const ids = async (query: string) =>
        (await rig.assets.list(`?jobId=${jobId}&${query}`)).assets.map((found) => found.id);
      const yes = ['text=LIGHTHOUSE', 'mediaType=image/*', `from=${createdAt}`, `before=${next}`];
      const no = ['text=light%25house', 'mediaType=video/*', `from=${next}`, `before=${createdAt}`, 'label=x'];
      for (const query of [...yes, yes.join('&'), 'mediaType=image/png', 'mediaType=IMAGE/PNG'])
        expect([query, await ids(query)]).toEqual([query, [id]]);
      for (const query of [...no, `${yes.join('&')}&label=x`]) expect([query, await ids(query)]).toEqual([query, []]);
    });
  });

  if (platform !== 'service') return;

  it('GET /assets/:id/meta returns the metadata of a file', async () => {
    const { id: jobId } = await rig.jobs.ended(await rig.jobs.start(EXAMPLE_WORKFLOW));
    const [asset] = await rig.assets.ofJob(jobId);
    const response = await fetch(`${rig.url}/assets/${asset!.id.toUpperCase()}/meta`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      id: asset!.id,
      jobId,
      url: `${new URL(rig.url).pathname.replace(/^\/$/, '')}/assets/${asset!.id}`,
      nodeId: '9',
      filename: expect.stringMatching(/^ComfyUI_\d+_\.png$/),
      subfolder: '',
      type: 'output',
      mediaType: 'image/png',
      sizeBytes: expect.any(Number),
      width: 512,
      height: 512,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      createdAt: expect.stringMatching(TIME),
      label: null,
      facts: {
        positive: ['a lighthouse on a cliff at sunset, oil painting'],
        negative: ['text, watermark'],
        seed: '42',
        seeds: ['42'],
        width: 512,
        height: 512,
        steps: 20,
        cfg: 8,
        samplerName: 'euler',
        scheduler: 'normal',
        denoise: 1,
        models: ['v1-5-pruned-emaonly.safetensors'],
        loras: [],
        vaes: [],
      },
    });
  });

  it('DELETE removes an asset of an ended job, and none of a running one', async () => {
    const held = rig.comfyUI.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const files = anything([{ key: 'x', filename: 'early.txt', content: `${rig.next()}` }]);
    const jobId = await rig.jobs.start({ ...flatPicture(rig.next()), 0: files['1'] });
    await held.struck;
    await eventually(async () => expect(await rig.assets.ofJob(jobId)).toHaveLength(1));
    const [early] = await rig.assets.ofJob(jobId);
    const refused = await rig.assets.remove(early!.id);
    expect(refused.headers.get('x-job-id')).toBe(jobId);
    expect(await refusal(refused)).toMatchObject({ status: 409, code: 'not_ended' });
    held.clear();
    await rig.jobs.ended(jobId);
    const removed = await rig.assets.remove(early!.id);
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    expect((await rig.assets.remove(early!.id)).status).toBe(404);
    expect((await rig.assets.get(early!.id)).status).toBe(404);
    expect(await rig.assets.ofJob(jobId)).toHaveLength(1);
    expect((await rig.jobs.job(jobId)).status).toBe('succeeded');
  });
});

describe('the URL of an asset', () => {
  it('starts with the public URL, and never with headers of a request', async () => {
    const rig = await AssetRig.start('fastify', { publicUrl: 'https://pictures.example.com/x/' });
    const { id } = await rig.one();
    const response = await fetch(`${rig.url}/assets/${id}/meta`, { headers: { 'X-Forwarded-Host': 'evil.example' } });
    expect(await response.json()).toMatchObject({ url: `https://pictures.example.com/x/assets/${id}` });
    await rig.close();
  });
});
