import { AssetLinks } from '../../src/application/assets/asset-links';
import type { CollectedFile } from '../../src/domain/job/job';
import { collected } from '../support/collected';
import { fileOf, NEVER } from './files';
import { inFolder, inS3, type StoragePlace } from './places';
import { inSupabase } from './supabase-places';

const PUBLIC_URL = 'https://comfy.example/path';

describe('a link to a file', () => {
  let place: StoragePlace;

  afterEach(() => place.remove());

  async function linksOf(created: Promise<StoragePlace>, publicUrl?: string): Promise<AssetLinks> {
    place = await created;
    await place.storage.check(NEVER);
    return new AssetLinks(place.storage, publicUrl);
  }

  async function stored(fields: Partial<CollectedFile> = {}): Promise<CollectedFile> {
    const file = fileOf(Buffer.from('bytes'));
    await place.storage.put({ ...file, mediaType: fields.mediaType ?? 'image/png' }, NEVER);
    return collected({ ...fields, sha256: file.sha256, sizeBytes: file.sizeBytes });
  }

  it('in a folder is a URL of the service', async () => {
    const links = await linksOf(inFolder(), PUBLIC_URL);
    const file = await stored();
    const own = `${PUBLIC_URL}/assets/${file.assetId}`;
    expect([await links.link(file, NEVER), await links.lasting(file, NEVER), links.areComplete]).toEqual([
      null,
      own,
      true,
    ]);
  });

  it('is a path if the public URL is not set', async () => {
    const links = await linksOf(inFolder());
    const file = await stored();
    const own = `/assets/${file.assetId}`;
    expect([await links.link(file, NEVER), await links.lasting(file, NEVER), links.areComplete]).toEqual([
      null,
      own,
      false,
    ]);
  });

  it.each([
    ['S3', inS3],
    ['Supabase', () => inSupabase()],
  ])('in %s is a URL of the storage, and a lasting one a URL of the service', async (_name, create) => {
    const links = await linksOf(create(), PUBLIC_URL);
    const file = await stored();
    expect(await (await fetch((await links.link(file, NEVER)) ?? '')).text()).toBe('bytes');
    expect(await links.lasting(file, NEVER)).toBe(`${PUBLIC_URL}/assets/${file.assetId}`);
    expect(links.areComplete).toBe(true);
  });

  it('falls back to the service if the storage is unreachable', async () => {
    const links = await linksOf(inSupabase(), PUBLIC_URL);
    const file = await stored();
    await place.outage?.begin();
    expect(await links.link(file, NEVER)).toBeNull();
    await expect(links.link(file, AbortSignal.abort(new Error('aborted')))).rejects.toThrow('aborted');
  });

  it('that lasts causes no request to a storage without lasting links', async () => {
    const links = await linksOf(inSupabase(), PUBLIC_URL);
    const file = await stored();
    await place.outage?.begin();
    await expect(links.lasting(file, NEVER)).resolves.toContain(file.assetId);
  });

  it('in a public bucket lasts', async () => {
    const links = await linksOf(inSupabase({ links: 'public' }));
    const file = await stored();
    const link = await links.lasting(file, NEVER);
    expect(link).toBe(await links.link(file, NEVER));
    expect(link).toContain('/object/public/');
    expect(await (await fetch(link)).text()).toBe('bytes');
    expect(links.areComplete).toBe(true);
  });

  it.each([
    ['image/png', true],
    ['video/mp4', true],
    ['audio/flac', true],
    ['image/svg+xml', false],
    ['text/plain', false],
    ['model/gltf-binary', false],
  ])('shows %s: %p', async (mediaType, isShown) => {
    const links = await linksOf(inS3());
    const { headers } = await fetch((await links.link(await stored({ mediaType }), NEVER)) ?? '');
    expect(headers.get('content-disposition')).toMatch(isShown ? /^inline/ : /^attachment/);
  });
});
