import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { AssetRig, bytesOf, refusal } from '../support/asset-rig';
import { openPaused } from '../support/assets';
import { eventually } from '../support/eventually';
import { trackConversions } from '../support/pictures';
import { PLATFORMS } from '../support/stack';
import { anything, flatPicture, noisePicture } from '../support/workflows';

describe.each(PLATFORMS)('GET /assets/:id with a conversion on %s', (platform) => {
  let rig: AssetRig;

  beforeAll(async () => {
    rig = await AssetRig.start(platform);
  });

  afterAll(() => rig.close());
  const pixelsOf = (bytes: Buffer) => sharp(bytes).removeAlpha().raw().toBuffer();

  it('has the same headers for HEAD and GET, an entity tag per conversion, and 304 without a conversion', async () => {
    const asset = await rig.one();
    const get = await rig.assets.get(asset.id, '?format=webp');
    const head = await rig.assets.head(asset.id, '?format=webp');
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const name of ['etag', 'content-length', 'content-type', 'last-modified'])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
    const tag = get.headers.get('etag')!;
    const other = await rig.assets.get(asset.id, '?format=webp&quality=9', { 'if-none-match': tag });
    expect([other.status, other.headers.get('etag') === tag]).toEqual([200, false]);
    await writeFile(rig.pathOf(asset), 'cannot be converted');
    const unmade = `W/"${asset.sha256}-avif-w7"`;
    expect((await rig.assets.get(asset.id, '?format=avif&width=7')).status).toBe(500);
    const unchanged = await rig.assets.get(asset.id, '?format=avif&width=7', { 'if-none-match': unmade });
    expect([unchanged.status, await unchanged.text(), unchanged.headers.get('etag')]).toEqual([304, '', unmade]);
  });

  it('releases each converted image, for any client and any outcome', async () => {
    const asset = await rig.one(noisePicture(rig.next(), { size: 2000 }));
    const conversions = trackConversions(rig.stack);
    await bytesOf(await rig.assets.get(asset.id, '?format=png'));
    await rig.assets.head(asset.id, '?format=png');
    const caller = await openPaused(`${rig.url}/assets/${asset.id}?format=png`);
    expect(conversions.open).toBe(1);
    caller.destroy();
    await eventually(() => expect(conversions.open).toBe(0));
    expect(conversions.total).toBe(3);
    conversions.restore();
  });

  it('leaves nothing open for clients that disconnect during the conversion, and serves the next one', async () => {
    const asset = await rig.one(noisePicture(rig.next(), { size: 1500 }));
    const controller = new AbortController();
    const url = `${rig.url}/assets/${asset.id}?format=avif`;
    const subscriptions = [1, 2, 3].map(() => fetch(url, { signal: controller.signal }));
    const settled = Promise.allSettled(subscriptions);
    setTimeout(() => controller.abort(), 30);
    expect((await settled).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    await eventually(async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
      expect((await Promise.all(links)).filter((path) => /\/(?:spool|assets)\//.test(path))).toEqual([]);
    });
    expect(rig.stack.logs.filter((line) => /internal_error/.test(line))).toEqual([]);
    expect((await rig.assets.get(asset.id, '?format=webp&width=100')).status).toBe(200);
  });

  if (platform !== 'service') return;

  it.each([
    ['png', 'png', 'image/png'],
    ['jpeg', 'jpg', 'image/jpeg'],
    ['webp', 'webp', 'image/webp'],
    ['avif', 'avif', 'image/avif'],
  ])('returns %s, with its headers', async (format, ending, mediaType) => {
    const asset = await rig.one(flatPicture(0x3366cc + rig.next(), { width: 64, height: 48 }));
    const original = await bytesOf(await rig.assets.get(asset.id));
    const response = await rig.assets.get(asset.id, `?format=${format}&quality=95`);
    const bytes = await bytesOf(response);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': mediaType,
      'content-length': String(bytes.length),
      'content-disposition': `inline; filename="${asset.filename.replace('png', ending)}"`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      'accept-ranges': 'none',
      etag: expect.stringMatching(new RegExp(`^W/"${asset.sha256}-${format}`)),
    });
    const { width, height } = await sharp(bytes).metadata();
    expect([width, height]).toEqual([64, 48]);
    const [found, wanted] = [await pixelsOf(bytes), await pixelsOf(original)];
    for (const at of [0, 1, 2, 3 * 64 * 24]) expect(Math.abs(found[at]! - wanted[at]!)).toBeLessThan(8);
    expect(original.includes('EmptyImage')).toBe(true);
    expect(bytes.includes('EmptyImage')).toBe(false);
  });

  it('scales it to fit', async () => {
    const { id } = await rig.one();
    const sizeOf = async (query: string) => {
      const { width, height } = await sharp(await bytesOf(await rig.assets.get(id, query))).metadata();
      return [width, height];
    };
    expect(await sizeOf('?width=32')).toEqual([32, 24]);
    expect(await sizeOf('?height=12&format=webp')).toEqual([16, 12]);
    expect(await sizeOf('?width=9999&height=9999')).toEqual([64, 48]);
  });

  it('ignores ranges', async () => {
    const { id } = await rig.one();
    const response = await rig.assets.get(id, '?format=webp', { range: 'bytes=0-3' });
    expect(response.status).toBe(200);
    expect((await sharp(await bytesOf(response)).metadata()).width).toBe(64);
  });

  it('is an attachment with download', async () => {
    const { id } = await rig.one();
    const { headers } = await rig.assets.head(id, '?format=webp&download');
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="flat_\d+_\.webp"$/);
  });

  it.each(['format=gif', 'quality=0', 'quality=x', 'width=0', 'height=16385', 'format=png&format=webp'])(
    'refuses ?%s with a message',
    async (query) => {
      const { id } = await rig.one();
      const { status, code, message } = await refusal(await rig.assets.get(id, `?${query}`));
      expect([status, code]).toEqual([400, 'invalid_request']);
      expect(message).toContain(query.slice(0, query.indexOf('=')));
    },
  );

  it('refuses files that are no raster images', async () => {
    const assets = await rig.run(
      anything([
        { key: 'x', filename: 'drawing.svg', content: '<svg xmlns="http://www.w3.org/2000/svg"/>' },
        { key: 'x', filename: 'picture.png', content: '<svg xmlns="http://www.w3.org/2000/svg"/>' },
        { key: 'x', filename: 'film.mp4', bytes: 100 },
        { key: 'x', filename: 'note.txt', content: 'hello' },
      ]),
    );
    expect(assets).toHaveLength(4);
    for (const { id } of assets) {
      const { status, message } = await refusal(await rig.assets.get(id, '?format=png'));
      expect([status, message]).toEqual([400, expect.stringMatching(/^Only PNG, JPEG, WebP, GIF, AVIF and TIFF/)]);
    }
  });

  it('refuses a damaged image, and serves later requests', async () => {
    const asset = await rig.one(noisePicture(rig.next(), { size: 200 }));
    const bytes = await readFile(rig.pathOf(asset));
    await writeFile(rig.pathOf(asset), bytes.fill(0, bytes.length / 2));
    expect(await refusal(await rig.assets.get(asset.id, '?format=webp'))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringContaining('damaged'),
    });
    expect((await rig.assets.get((await rig.one()).id, '?format=webp')).status).toBe(200);
  });
});
