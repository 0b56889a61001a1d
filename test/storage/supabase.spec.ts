import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SupabaseStorageOptions } from '../../src/infrastructure/storage/supabase/supabase-options';
import { supabaseStorage } from '../../src/infrastructure/storage/supabase/supabase-storage';
import { describeAssetStorage } from './asset-storage.contract';
import { bytesOf, MIB, NEVER, randomFile } from './files';
import { inRealSupabase, inSupabase } from './places';

describeAssetStorage('Supabase Storage', () => inSupabase());
describeAssetStorage('Supabase Storage with public links', () => inSupabase('public'));
if (process.env.TEST_SUPABASE_URL) describeAssetStorage('the Supabase of TEST_SUPABASE_*', inRealSupabase);

const SECRET = 'eyJ.a-secret-that-nobody-should-read.x';
const WISH = { filename: 'a.png', mediaType: 'image/png', inline: true };

describe('a project', () => {
  let place: Awaited<ReturnType<typeof inSupabase>>;

  beforeEach(async () => {
    place = await inSupabase();
  });

  afterEach(() => place.remove());

  const checked = (change: Partial<SupabaseStorageOptions>) =>
    supabaseStorage({ ...place.options, ...change })
      .check(NEVER)
      .catch((thrown: Error) => thrown);

  it.each(['signed', 'public'] as const)('gets a bucket that fits %s links', async (links) => {
    expect(await checked({ links, bucket: 'new' })).toBeUndefined();
    expect(place.project.buckets.find('new')).toMatchObject({ isPublic: links === 'public' });
    expect(place.project.buckets.find('new').objects.size).toBe(0);
    expect(await checked({ links, bucket: 'new' })).toBeUndefined();
  });

  it('with a private bucket has no public links', async () => {
    place.project.buckets.add('private', false);
    expect(await checked({ links: 'public', bucket: 'private' })).toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('the bucket "private" must be public, or choose signed links'),
    });
    expect(place.project.buckets.find('private').objects.size).toBe(0);
  });

  it.each([true, false])('says what a key without rights lacks (the bucket is there: %p)', async (isThere) => {
    if (isThere) place.project.buckets.add('files', false);
    expect(await checked({ key: place.project.anonKey, bucket: 'files' })).toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('use the secret (service_role) key for SUPABASE_KEY, or add policies'),
    });
  });

  it.each([true, false])('refuses a wrong key without telling it (the bucket is there: %p)', async (isThere) => {
    if (isThere) place.project.buckets.add('files', false);
    for (const key of [SECRET, `${place.options.key}x`, 'sb_secret_of_another_project']) {
      const error = (await checked({ key, bucket: 'files' })) as Error;
      expect(error).toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('check that SUPABASE_KEY is a key of the project of SUPABASE_URL'),
      });
      const { cause } = error;
      expect(`${error.stack} ${JSON.stringify(error)} ${JSON.stringify(cause)} ${String(cause)}`).not.toContain(key);
    }
  });

  it('that is another server is found out', async () => {
    const html = '<!doctype html><title>Welcome</title>';
    for (const [status, head] of [
      [200, {}],
      [404, {}],
      [302, { location: place.options.url }],
    ] as const) {
      const server = createServer((_request, response) => response.writeHead(status, head).end(html));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      expect(await checked({ url })).toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('is not what answers there: check SUPABASE_URL'),
      });
      server.close();
      server.closeAllConnections();
    }
  });

  it('refuses what is too large or of a wrong type, in words and in the middle of it', async () => {
    const bucket = place.project.buckets.add('comfyui', false);
    bucket.sizeLimit = 100;
    for (const size of [101, 50 * MIB])
      await expect(place.storage.put(randomFile(size), NEVER)).rejects.toMatchObject({
        message: expect.stringContaining('takes no file as large as this one'),
      });
    bucket.allowedTypes = ['video/mp4'];
    await expect(place.storage.put(randomFile(100), NEVER)).rejects.toMatchObject({
      message: expect.stringContaining('see the allowed types of the bucket'),
    });
  });

  it('that is overloaded is asked again, with the file from its start', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(300_000);
    place.project.faults = 3;
    await place.storage.put(file, NEVER);
    place.project.faults = 2;
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('that did not remove a file does not pass for one that did', async () => {
    const bucket = place.project.buckets.add('comfyui', true);
    const file = randomFile(10);
    await place.storage.put(file, NEVER);
    const limited = supabaseStorage({ ...place.options, key: place.project.anonKey });
    await expect(limited.remove(file.sha256, NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('does not let our key remove files'),
    });
    expect(bucket.objects.size).toBe(1);
  });

  it('signs links for as long as it was told, and none to what is not there', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(10);
    const storage = supabaseStorage({ ...place.options, linkSeconds: 1 });
    await expect(storage.link(file.sha256, WISH, NEVER)).rejects.toMatchObject({ code: 'not_found' });
    await storage.put(file, NEVER);
    const link = (await storage.link(file.sha256, WISH, NEVER)) ?? '';
    expect((await fetch(link)).status).toBe(200);
    expect((await fetch(`${link}x`)).status).toBe(400);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await fetch(link)).status).toBe(400);
  });
});

it.each([
  [{ url: 'project.supabase.co' }, 'SUPABASE_URL'],
  [{ url: `https://user:${SECRET}@example.com` }, 'SUPABASE_URL'],
  [{ key: `${SECRET}\n` }, 'SUPABASE_KEY'],
  [{ bucket: 'a/b' }, 'SUPABASE_BUCKET'],
  [{ linkSeconds: 0 }, 'SUPABASE_LINK_TTL'],
])('refuses %j and names the setting, not the value', (wrong, setting) => {
  const act = () => supabaseStorage({ url: 'https://project.supabase.co', key: 'k', ...wrong });
  expect(act).toThrow(setting);
  expect(act).not.toThrow(SECRET);
});

it('names the package that is missing', () => {
  jest.isolateModules(() => {
    jest.doMock('@supabase/storage-js', () => {
      throw Object.assign(new Error("Cannot find module '@supabase/storage-js'"), { code: 'MODULE_NOT_FOUND' });
    });
    const path = '../../src/infrastructure/storage/supabase/supabase-storage';
    const without = jest.requireActual<{ supabaseStorage: typeof supabaseStorage }>(path);
    expect(() => without.supabaseStorage({ url: 'https://p.supabase.co', key: 'k' })).toThrow(
      'npm install @supabase/storage-js',
    );
  });
});
