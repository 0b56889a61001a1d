import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { supabaseStorage } from '../../src/infrastructure/storage/supabase/supabase-storage';
import { describeAssetStorage } from './asset-storage.contract';
import { broughtBy, bytesOf, NEVER, randomFile } from './files';
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

  it('gets a bucket of our name when it is told no other', async () => {
    await supabaseStorage({ ...place.options, bucket: undefined }).check(NEVER);
    expect(place.project.buckets.find('comfyui')).toMatchObject({ isPublic: false });
  });

  const TOO_LITTLE = 'allows our key too little: use the secret (service_role) key for SUPABASE_KEY, or add policies';
  const NO_REMOVAL = 'does not let our key remove files: use the secret (service_role) key for SUPABASE_KEY, or add';

  it.each([
    [['insert'], TOO_LITTLE],
    [['insert', 'delete'], TOO_LITTLE],
    [['select', 'update', 'delete'], TOO_LITTLE],
    [['insert', 'select'], NO_REMOVAL],
  ] as const)('whose policies allow only %j says what is lacking', async (rights, says) => {
    place.project.buckets.add('files', { rights });
    const storage = supabaseStorage({ ...place.options, key: place.anonKey, bucket: 'files' });
    await expect(storage.check(NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(says),
    });
  });

  it('whose policies allow to add, see and remove needs no other key', async () => {
    place.project.buckets.add('files', { rights: ['insert', 'select', 'delete'] });
    await supabaseStorage({ ...place.options, key: place.anonKey, bucket: 'files' }).check(NEVER);
    expect(await place.namesIn('files')).toEqual([]);
  });

  it('whose policies allow not to replace files takes one that somebody else was faster with', async () => {
    place.project.buckets.add('files', { rights: ['insert', 'select', 'delete'] });
    const limited = supabaseStorage({ ...place.options, key: place.anonKey, bucket: 'files' });
    const file = randomFile(10);
    const overtaken = broughtBy(file, async function* () {
      await supabaseStorage({ ...place.options, bucket: 'files' }).put(file, NEVER);
      yield file.bytes;
    });
    await limited.put(overtaken, NEVER);
    expect(await place.namesIn('files')).toHaveLength(1);
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
      await expect(supabaseStorage({ ...place.options, url }).check(NEVER)).rejects.toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('is not what answers there: check SUPABASE_URL'),
      });
      server.close();
      server.closeAllConnections();
    }
  });

  it('that is overloaded is asked again, with the file from its start', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(300_000);
    place.project.faults = 3;
    await place.storage.put(file, NEVER);
    place.project.faults = 2;
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
  });
});

const SECRET = 'eyJ.a-secret-that-nobody-should-read.x';

it.each([
  [{ url: 'project.supabase.co' }, 'SUPABASE_URL'],
  [{ url: `https://user:${SECRET}@example.com` }, 'SUPABASE_URL'],
  [{ key: `${SECRET}\n` }, 'SUPABASE_KEY'],
  [{ bucket: 'a/b' }, 'SUPABASE_BUCKET'],
  [{ bucket: '..' }, 'SUPABASE_BUCKET'],
  [{ bucket: 'public' }, 'SUPABASE_BUCKET'],
  [{ bucket: 'authenticated' }, 'SUPABASE_BUCKET'],
  [{ bucket: 'sign' }, 'SUPABASE_BUCKET'],
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
