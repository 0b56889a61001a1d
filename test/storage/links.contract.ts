import type { LinkOptions } from '../../src/application/assets/asset-storage';
import { NEVER, randomFile } from './files';
import type { StoragePlace } from './places';

export function describeLinks(place: { readonly current: StoragePlace }): void {
  const options: LinkOptions = { filename: 'Grüße "an" alle; 100%\n.png', mediaType: 'image/png', inline: false };

  async function responseOf(linkOptions: LinkOptions): Promise<Response | undefined> {
    const file = randomFile(1000);
    await place.current.storage.put(file, NEVER);
    const link = await place.current.storage.link(file.sha256, linkOptions, NEVER);
    expect(link !== null).toBe(place.current.hasLinks);
    if (link === null) return undefined;
    const response = await fetch(link);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(file.bytes)).toBe(true);
    expect(response.headers.get('content-type')).toBe('image/png');
    return response;
  }

  it('serves an attachment with the name of the file', async () => {
    const response = await responseOf(options);
    if (!response) return;
    const disposition = response.headers.get('content-disposition') ?? '';
    expect(disposition).toMatch(/^attachment; filename=/);
    const [, encoded = ''] = /filename\*=UTF-8''(.*)$/.exec(disposition) ?? [];
    expect(decodeURIComponent(encoded)).toBe(options.filename);
  });

  it('serves the file inline', async () => {
    const response = await responseOf({ ...options, inline: true });
    if (!response) return;
    expect(response.headers.get('content-disposition') ?? 'inline').toMatch(/^inline/);
  });

  it('serves a range of the file', async () => {
    const file = randomFile(1000);
    await place.current.storage.put(file, NEVER);
    const link = await place.current.storage.link(file.sha256, options, NEVER);
    if (link === null) return;
    const response = await fetch(link, { headers: { range: 'bytes=10-19' } });
    expect(response.status).toBe(206);
    expect(Buffer.from(await response.arrayBuffer()).equals(file.bytes.subarray(10, 20))).toBe(true);
  });
}
