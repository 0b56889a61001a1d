import type { SupabaseStorageOptions } from '../../src/options/supabase.options';
import { supabaseStorage } from '../../src/infrastructure/storage/supabase/supabase-storage';
import { MIB, NEVER, randomFile } from './files';
import type { SupabasePlace } from './supabase-places';

const SECRET = 'eyJ.a-secret-that-must-not-leak.x';
const LINK_OPTIONS = { filename: 'a.png', mediaType: 'image/png', inline: true };

/** Holds for every project: in the cloud, self-hosted or a stand-in. */
export function describeProjects(name: string, makePlace: () => Promise<SupabasePlace>): void {
  describe(name, () => {
    let place: SupabasePlace;

    beforeEach(async () => {
      place = await makePlace();
    });

    afterEach(() => place.remove());

    const of = (change: Partial<SupabaseStorageOptions>) => supabaseStorage({ ...place.options, ...change });
    const checked = (change: Partial<SupabaseStorageOptions>) =>
      of(change)
        .check(NEVER)
        .catch((thrown: Error) => thrown);

    it.each(['signed', 'public'] as const)('gets a bucket for %s links', async (links) => {
      const bucket = place.newName();
      expect(await checked({ links, bucket })).toBeUndefined();
      expect(await place.namesIn(bucket)).toEqual([]);
      expect(await checked({ links, bucket })).toBeUndefined();
      const whenPublic = await checked({ links: 'public', bucket });
      expect(whenPublic === undefined).toBe(links === 'public');
    });

    it('gets its bucket once by concurrently starting processes', async () => {
      const bucket = place.newName();
      const all = await Promise.all(Array.from({ length: 8 }, () => checked({ bucket })));
      expect(all).toEqual(Array(8).fill(undefined));
      expect(await place.namesIn(bucket)).toEqual([]);
    });

    it('with a private bucket has no public links', async () => {
      const bucket = await place.addBucket();
      expect(await checked({ links: 'public', bucket })).toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining(`the bucket "${bucket}" must be public, or choose signed links`),
      });
      expect(await place.namesIn(bucket)).toEqual([]);
    });

    it.each([true, false])('names the missing permissions of a key (the bucket exists: %p)', async (exists) => {
      const bucket = exists ? await place.addBucket() : place.newName();
      expect(await checked({ key: place.anonKey, bucket })).toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('use the secret (service_role) key, or add policies'),
      });
    });

    it.each([true, false])(
      'refuses a wrong key without its value in the error (the bucket exists: %p)',
      async (exists) => {
        const bucket = exists ? await place.addBucket() : place.newName();
        for (const key of [SECRET, `${place.options.key}x`, 'sb_secret_of_another_project']) {
          const error = (await checked({ key, bucket })) as Error;
          expect(error).toMatchObject({
            code: 'storage_failed',
            message: expect.stringContaining('check that it is a key of this project'),
          });
          const { cause } = error;
          expect(`${error.stack} ${JSON.stringify(error)} ${JSON.stringify(cause)} ${String(cause)}`).not.toContain(
            key,
          );
        }
      },
    );

    it('refuses files that are too large or of a wrong type, also in the middle of the upload', async () => {
      const small = of({ bucket: await place.addBucket({ fileSizeLimit: 100 }) });
      for (const size of [101, 50 * MIB])
        await expect(small.put(randomFile(size), NEVER)).rejects.toMatchObject({
          message: expect.stringContaining('refuses a file of this size'),
        });
      const videos = of({ bucket: await place.addBucket({ allowedMimeTypes: ['video/*'] }) });
      await videos.put({ ...randomFile(100), mediaType: 'video/mp4' }, NEVER);
      await expect(videos.put(randomFile(100), NEVER)).rejects.toMatchObject({
        message: expect.stringContaining('see the allowed types of the bucket'),
      });
    });

    it('that ignores a removal causes an error', async () => {
      const bucket = await place.addBucket({ public: true });
      const file = randomFile(10);
      await of({ bucket }).put(file, NEVER);
      await expect(of({ bucket, key: place.anonKey }).remove(file.sha256, NEVER)).rejects.toMatchObject({
        code: 'storage_failed',
        message: expect.stringContaining('does not allow the key to remove files'),
      });
      expect(await place.namesIn(bucket)).toHaveLength(1);
    });

    it('signs links for the configured time, and none to a missing file', async () => {
      await place.storage.check(NEVER);
      const file = randomFile(10);
      const storage = of({ linkSeconds: 1 });
      await expect(storage.link(file.sha256, LINK_OPTIONS, NEVER)).rejects.toMatchObject({ code: 'not_found' });
      await storage.put(file, NEVER);
      const link = (await storage.link(file.sha256, LINK_OPTIONS, NEVER)) ?? '';
      expect((await fetch(link)).status).toBe(200);
      expect((await fetch(`${link}x`)).status).toBe(400);
      await new Promise((resolve) => setTimeout(resolve, 2_100));
      expect((await fetch(link)).status).toBe(400);
    });
  });
}
