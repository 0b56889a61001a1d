import type { LinkOptions } from '../../src/application/assets/asset-storage';
import { NEVER, randomFile } from './files';
import type { StoragePlace } from './places';

export function describeLinks(place: { readonly current: StoragePlace }): void {
  const options: LinkOptions = { filename: 'Grüße "an" alle; 100%\n.png', mediaType: 'image/png', inline: false };

  async function answerOf(wished: LinkOptions): Promise<Response | undefined> {
    const file = randomFile(1000);
    await place.current.storage.put(file, NEVER);
    const link = await place.current.storage.link(file.sha256, wished, NEVER);
    expect(link !== null).toBe(place.current.hasLinks);
    if (link === null) return undefined;
    const answer = await fetch(link);
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(file.bytes)).toBe(true);
    expect(answer.headers.get('content-type')).toBe('image/png');
    return answer;
  }

  it('saves the file under its name', async () => {
    const answer = await answerOf(options);
    if (!answer) return;
    const disposition = answer.headers.get('content-disposition') ?? '';
    expect(disposition).toMatch(/^attachment; filename=/);
    const [, encoded = ''] = /filename\*=UTF-8''(.*)$/.exec(disposition) ?? [];
    expect(decodeURIComponent(encoded)).toBe(options.filename);
  });

  it('shows the file', async () => {
    const answer = await answerOf({ ...options, inline: true });
    if (!answer) return;
    expect(answer.headers.get('content-disposition') ?? 'inline').toMatch(/^inline/);
  });

  it('serves a part of the file', async () => {
    const file = randomFile(1000);
    await place.current.storage.put(file, NEVER);
    const link = await place.current.storage.link(file.sha256, options, NEVER);
    if (link === null) return;
    const answer = await fetch(link, { headers: { range: 'bytes=10-19' } });
    expect(answer.status).toBe(206);
    expect(Buffer.from(await answer.arrayBuffer()).equals(file.bytes.subarray(10, 20))).toBe(true);
  });
}
