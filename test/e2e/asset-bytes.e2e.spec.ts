import { once } from 'node:events';
import { readdir, readlink, rm, truncate } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { AssetRig, bytesOf, refusal } from '../support/asset-rig';
import { openPaused, type AssetJson } from '../support/assets';
import { eventually } from '../support/eventually';
import { PLATFORMS } from '../support/stack';
import { anything, noisePicture } from '../support/workflows';

const LARGE = 40_000_000;

describe.each(PLATFORMS)('GET /assets/:id on %s', (platform) => {
  let rig: AssetRig;

  beforeAll(async () => {
    rig = await AssetRig.start(platform);
  });

  afterEach(() => rig.comfyUI.faults.clear());
  afterAll(() => rig.close());

  describe('the bytes of an asset', () => {
    const fromComfyUI = async ({ filename }: AssetJson) =>
      bytesOf(await fetch(`${rig.comfyUI.url}/view?filename=${encodeURIComponent(filename)}&type=output`));

    const headOf = ({ headers }: Response) => {
      const { date: _date, connection: _connection, 'keep-alive': _keepAlive, ...head } = Object.fromEntries(headers);
      return head;
    };

    it('are sent unchanged, with headers that describe the file', async () => {
      const asset = await rig.one(noisePicture(rig.next(), { size: 300 }));
      const response = await rig.assets.get(asset.id);
      const original = await fromComfyUI(asset);
      expect((await bytesOf(response)).equals(original)).toBe(true);
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': 'image/png',
        'content-length': String(original.length),
        'content-disposition': `inline; filename="${asset.filename}"`,
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, max-age=31536000, immutable',
        'accept-ranges': 'bytes',
        etag: `"${asset.sha256}"`,
        'last-modified': expect.stringMatching(/ GMT$/),
      });
    });

    it('are not read for HEAD, which has the same headers', async () => {
      const asset = await rig.one();
      const whole = headOf(await rig.assets.get(asset.id));
      await rm(rig.pathOf(asset));
      const head = await rig.assets.head(asset.id, '', { range: 'bytes=0-3' });
      expect([head.status, await head.text()]).toEqual([200, '']);
      expect(headOf(head)).toEqual(whole);
      expect(await refusal(await rig.assets.get(asset.id))).toMatchObject({ status: 404, code: 'not_found' });
    });

    it('are not sent again to a client that has them', async () => {
      const { id, sha256 } = await rig.one();
      const before = await rig.assets.get(id);
      const since = { 'if-modified-since': before.headers.get('last-modified')! };
      const conditions = [`"${sha256}"`, `W/"${sha256}"`, `"other", "${sha256}"`, '*'].map((tag) => ({
        'if-none-match': tag,
      }));
      for (const condition of [...conditions, since]) {
        for (const response of [await rig.assets.get(id, '', condition), await rig.assets.head(id, '', condition)]) {
          expect([response.status, await response.text()]).toEqual([304, '']);
          expect(response.headers.get('etag')).toBe(`"${sha256}"`);
          expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
          expect(response.headers.get('content-type')).toBeNull();
        }
      }
      expect((await rig.assets.get(id, '', { 'if-none-match': '"other"', ...since })).status).toBe(200);
    });

    it.each([
      ['bytes=0-0', 0, 0],
      ['bytes=10-19', 10, 19],
      ['bytes=10-', 10, -1],
      ['bytes=-5', -5, -1],
      ['bytes=-999999999', 0, -1],
      ['bytes=10-999999999', 10, -1],
    ])('are sent in part: %s', async (range, from, to) => {
      const { id, sizeBytes } = await rig.one();
      const bytes = await bytesOf(await rig.assets.get(id));
      const [start, end] = [from, to].map((at) => (at < 0 ? sizeBytes + at : at)) as [number, number];
      const response = await rig.assets.get(id, '', { range });
      expect(response.status).toBe(206);
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${sizeBytes}`);
      expect(response.headers.get('content-length')).toBe(String(end - start + 1));
      expect((await bytesOf(response)).equals(bytes.subarray(start, end + 1))).toBe(true);
    });

    it.each(['bytes=1000000-', 'bytes=1000000-2000000', 'bytes=-0'])('end before %s', async (range) => {
      const { id, sizeBytes } = await rig.one();
      const response = await rig.assets.get(id, '', { range });
      expect(response.headers.get('content-range')).toBe(`bytes */${sizeBytes}`);
      expect(await refusal(response)).toMatchObject({ status: 416, code: 'range_not_satisfiable' });
    });

    it('may have any file name', async () => {
      const filename = 'Grüße "x" 100%; ä😀.txt';
      const { id } = await rig.one(anything([{ key: 'x', filename, content: 'hello' }], rig.next()));
      const disposition = (await rig.assets.get(id)).headers.get('content-disposition')!;
      expect(disposition).toMatch(/^attachment; filename="Gr__e _x_ 100_; ___\.txt"; filename\*=UTF-8''/);
      expect(decodeURIComponent(disposition.split("UTF-8''")[1]!)).toBe(filename);
    });

    if (platform !== 'service') return;

    it.each(['bytes=0-1,4-5', 'bytes=x', 'bytes', 'lines=0-3', 'bytes=5'])(
      'are sent completely for %j',
      async (range) => {
        const { id, sizeBytes } = await rig.one();
        const response = await rig.assets.get(id, '', { range });
        expect([response.status, (await bytesOf(response)).length]).toEqual([200, sizeBytes]);
      },
    );

    it('are sent in part only if If-Range matches', async () => {
      const { id, sha256 } = await rig.one();
      const modified = (await rig.assets.get(id)).headers.get('last-modified')!;
      const statusFor = async (ifRange: string) =>
        (await rig.assets.get(id, '', { range: 'bytes=0-3', 'if-range': ifRange })).status;
      expect([await statusFor(`"${sha256}"`), await statusFor(modified)]).toEqual([206, 206]);
      for (const other of ['"other"', `W/"${sha256}"`, 'Thu, 01 Jan 1970 00:00:00 GMT', 'x'])
        expect(await statusFor(other)).toBe(200);
    });

    it('of an empty file are an empty body', async () => {
      const asset = await rig.one(anything([{ key: 'x', filename: 'empty.bin', content: '' }]));
      const response = await rig.assets.get(asset.id);
      expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '0', '']);
      expect((await rig.assets.get(asset.id, '', { range: 'bytes=0-' })).status).toBe(416);
    });

    it('are inline only for media types that a browser does not execute, and never for a download', async () => {
      const html = '<!doctype html><script>alert(1)</script>';
      const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
      const assets = await rig.run(
        anything([
          { key: 'x', filename: 'page.html', content: html },
          { key: 'x', filename: 'drawing.svg', content: svg },
          { key: 'x', filename: 'drawing.png', content: svg },
          { key: 'x', filename: 'feed.xml', content: '<?xml version="1.0"?><a/>' },
          { key: 'x', filename: 'paper.pdf', content: '%PDF-1.7\n' },
          { key: 'x', filename: 'note.txt', content: 'hello' },
          { key: 'x', filename: 'film.mp4', bytes: 100 },
          { key: 'x', filename: 'sound.wav', bytes: 100 },
        ]),
      );
      const kinds: Record<string, string> = {};
      for (const { id, filename } of assets) {
        const { headers } = await rig.assets.get(id);
        kinds[filename] = headers.get('content-disposition')!.split(';')[0]!;
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
        for (const download of ['?download', '?download=', '?download=true', '?download=1'])
          expect((await rig.assets.head(id, download)).headers.get('content-disposition')).toMatch(/^attachment;/);
      }
      const saved = ['page.html', 'drawing.svg', 'drawing.png', 'feed.xml', 'paper.pdf', 'note.txt'];
      expect(kinds).toEqual({
        ...Object.fromEntries(saved.map((name) => [name, 'attachment'])),
        'film.mp4': 'inline',
        'sound.wav': 'inline',
      });
    });

    it('that were modified in the storage are not sent', async () => {
      const asset = await rig.one();
      await truncate(rig.pathOf(asset), 10);
      expect(await refusal(await rig.assets.get(asset.id))).toMatchObject({ status: 500, code: 'storage_failed' });
    });
  });

  describe('a large file', () => {
    let asset: AssetJson;

    beforeEach(async () => {
      asset = await rig.one(anything([{ key: 'x', filename: `${rig.next()}.bin`, bytes: LARGE }]));
    });

    /** The number of open descriptors of the file in this process. */
    const openings = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
      return (await Promise.all(links)).filter((path) => path.includes(asset.sha256)).length;
    };

    it('is closed when its clients disconnect', async () => {
      const subscriptions = await Promise.all(
        Array.from({ length: 5 }, () => openPaused(`${rig.url}/assets/${asset.id}`)),
      );
      expect(await openings()).toBe(5);
      for (const caller of subscriptions) caller.destroy();
      await eventually(async () => expect(await openings()).toBe(0));
      expect((await bytesOf(await rig.assets.get(asset.id))).length).toBe(LARGE);
      await eventually(async () => expect(await openings()).toBe(0));
      expect(rig.stack.logs.filter((line) => /Files|internal_error|canceled/.test(line))).toEqual([]);
    });

    it('is not buffered in memory for a slow client', async () => {
      const before = process.memoryUsage();
      const subscriptions = await Promise.all(
        Array.from({ length: 5 }, () => openPaused(`${rig.url}/assets/${asset.id}`)),
      );
      await setTimeout(500);
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      expect(arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(LARGE);
      for (const caller of subscriptions) caller.destroy();
    });

    it('that fails in the middle closes the connection', async () => {
      const caller = await openPaused(`${rig.url}/assets/${asset.id}`);
      expect([caller.statusCode, caller.headers['content-length']]).toEqual([200, String(LARGE)]);
      await truncate(rig.pathOf(asset), 1000);
      const failed = once(caller, 'error');
      let read = 0;
      caller.on('data', (piece: Buffer) => (read += piece.length)).resume();
      expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
      expect(read).toBeLessThan(LARGE);
      expect(caller.complete).toBe(false);
      await eventually(async () => expect(await openings()).toBe(0));
      expect((await fetch(`${rig.url}/assets`)).status).toBe(200);
      const warnings = rig.stack.logs.filter((line) => line.includes('warn storage_failed: A file turned out'));
      expect(warnings).toHaveLength(platform === 'service' ? 0 : 1);
    });
  });
});
