import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { supabaseStorage } from '../../src/infrastructure/storage/supabase/supabase-storage';
import { describeAssetStorage } from './asset-storage.contract';
import { withSource, bytesOf, NEVER, randomFile } from './files';
import { inRealSupabase, inSupabase } from './supabase-places';
import { describeProjects } from './supabase-projects.contract';
import { describeWire } from './supabase-wire.contract';

describeAssetStorage('Supabase Storage', () => inSupabase());
describeAssetStorage('Supabase Storage on disk, with public links', () =>
  inSupabase({ links: 'public', keptIn: 'disk' }),
);
describeProjects('a project', () => inSupabase());
describeWire('the wire', () => inSupabase());

const { TEST_SUPABASE_URL, TEST_SUPABASE_ANON_KEY } = process.env;
if (TEST_SUPABASE_URL)
  for (const links of ['signed', 'public'] as const)
    describeAssetStorage(`the Supabase of TEST_SUPABASE_*, with ${links} links`, () => inRealSupabase(links));
if (TEST_SUPABASE_URL && TEST_SUPABASE_ANON_KEY) {
  describeProjects('the project of TEST_SUPABASE_*', () => inRealSupabase());
  describeWire('the wire of TEST_SUPABASE_*', () => inRealSupabase());
}

describe('a project', () => {
  let place: Awaited<ReturnType<typeof inSupabase>>;

  beforeEach(async () => {
    place = await inSupabase();
  });

  afterEach(() => place.remove());

  it('gets a bucket with the default name', async () => {
    await supabaseStorage({ ...place.options, bucket: undefined }).check(NEVER);
    expect(place.project.buckets.find('comfyui')).toMatchObject({ isPublic: false });
  });

  const DENIED = 'denied access: use the secret (service_role) key, or add policies';
  const NO_REMOVAL = 'does not allow the key to remove files: use the secret (service_role) key, or add';

  it.each([
    [['insert'], DENIED],
    [['insert', 'delete'], DENIED],
    [['select', 'update', 'delete'], DENIED],
    [['insert', 'select'], NO_REMOVAL],
  ] as const)('whose policies allow only %j causes an error with the reason', async (rights, message) => {
    place.project.buckets.add('files', { rights });
    const storage = supabaseStorage({ ...place.options, key: place.anonKey, bucket: 'files' });
    await expect(storage.check(NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(message),
    });
  });

  it('whose policies allow insert, select and delete needs no other key', async () => {
    place.project.buckets.add('files', { rights: ['insert', 'select', 'delete'] });
    await supabaseStorage({ ...place.options, key: place.anonKey, bucket: 'files' }).check(NEVER);
    expect(await place.namesIn('files')).toEqual([]);
  });

  it('whose policies do not allow replacing accepts a file that a concurrent put has stored', async () => {
    place.project.buckets.add('files', { rights: ['insert', 'select', 'delete'] });
    const limited = supabaseStorage({ ...place.options, key: place.anonKey, bucket: 'files' });
    const file = randomFile(10);
    const overtaken = withSource(file, async function* () {
      await supabaseStorage({ ...place.options, bucket: 'files' }).put(file, NEVER);
      yield file.bytes;
    });
    await limited.put(overtaken, NEVER);
    expect(await place.namesIn('files')).toHaveLength(1);
  });

  it('that is another server causes an error', async () => {
    const html = '<!doctype html><title>Welcome</title>';
    for (const [status, head] of [
      [200, {}],
      [404, {}],
      [302, { location: place.options.url }],
    ] as const) {
      const server = createServer((_request, response) => response.writeHead(status, head).end(html));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await expect(supabaseStorage({ ...place.options, url }).check(NEVER)).rejects.toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('does not answer like Supabase Storage: check the URL of the project'),
      });
      server.close();
      server.closeAllConnections();
    }
  });

  it('that is overloaded is retried, with the file from its start', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(300_000);
    place.project.faults = 3;
    await place.storage.put(file, NEVER);
    place.project.faults = 2;
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });
});

const SECRET = 'eyJ.a-secret-that-must-not-leak.x';

it.each([
  [{ url: 'project.supabase.co' }, 'storage.url'],
  [{ url: `https://user:${SECRET}@example.com` }, 'storage.url'],
  [{ key: `${SECRET}\n` }, 'storage.key'],
  [{ bucket: 'a/b' }, 'storage.bucket'],
  [{ bucket: '..' }, 'storage.bucket'],
  [{ bucket: 'public' }, 'storage.bucket'],
  [{ bucket: 'authenticated' }, 'storage.bucket'],
  [{ bucket: 'sign' }, 'storage.bucket'],
  [{ linkSeconds: 0 }, 'storage.linkSeconds'],
])('refuses %j and names the option, not the value', (wrong, option) => {
  const act = () => supabaseStorage({ url: 'https://project.supabase.co', key: 'k', ...wrong });
  expect(act).toThrow(`option ${option} `);
  expect(act).not.toThrow(SECRET);
});

it('the error names the missing package', () => {
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
