import { randomUUID } from 'node:crypto';
import { generationFacts } from '../../src/domain/workflow/generation-facts';
import { collected } from '../support/collected';
import { addAsset, addFiles, DESCRIBED, movedTo, promptOf } from './assets';
import { succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** Single assets in `AssetRepository`. */
export function describeAssetRepository(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const assets = () => database.current.assets;
  const rowsOf = (table: 'assets' | 'files') =>
    database.current.database.kysely.selectFrom(table).selectAll().execute();

  it('is found as it was written, with every field', async () => {
    const before = Date.now();
    const { id, job, file } = await addAsset(database.current, {
      filename: 'pictüre_😀.png',
      subfolder: 'a\\b',
      type: 'temp',
      mediaType: 'video/mp4',
      sizeBytes: 5_000_000_000,
      width: 1024,
      height: 768,
      durationSeconds: 1.5,
    });
    const createdAt = expect.any(Number);
    const found = await assets().find(id);
    expect(found).toStrictEqual({ id, jobId: job.id, createdAt, file, description: DESCRIBED });
    expect(found?.createdAt).toBeGreaterThanOrEqual(before);
    expect(found?.createdAt).toBeLessThanOrEqual(Date.now() + 1);
  });

  it('has no other field', async () => {
    const { id, file } = await addAsset(database.current);
    expect((await assets().find(id))?.file).toStrictEqual(file);
  });

  it('has its time in whole milliseconds', async () => {
    const { id } = await addAsset(database.current);
    await movedTo(database.current, id, 1_700_000_000_123_999);
    expect((await assets().find(id))?.createdAt).toBe(1_700_000_000_123);
  });

  it('keeps the facts of its generation exactly', async () => {
    const description = promptOf('a fox 18446744073709551615', 'fox');
    const facts = { ...description.facts, seed: '18446744073709551615', cfg: 7.25 };
    const { id } = await addAsset(database.current, {}, { label: 'fox', facts });
    expect((await assets().find(id))?.description).toStrictEqual({ label: 'fox', facts });
  });

  it('without a row of its generation has no facts', async () => {
    const { id } = await addAsset(database.current);
    await database.current.database.kysely.deleteFrom('generations').execute();
    const nothing = { label: null, facts: generationFacts({}) };
    expect((await assets().find(id))?.description).toStrictEqual(nothing);
    expect((await assets().list({ limit: 5 })).assets[0]?.description).toStrictEqual(nothing);
  });

  it.each(['a\0b', '\ud800', 'x\udc00y', '😀'])('takes a label and a name such as %j', async (text) => {
    const { id } = await addAsset(database.current, { filename: text, subfolder: text }, promptOf(text, text));
    const { file, description } = (await assets().find(id))!;
    expect([file.filename, file.subfolder, description.label]).toEqual(Array(3).fill(expect.any(String)));
    expect((await assets().list({ limit: 5, label: text, text })).assets.map((asset) => asset.id)).toEqual([id]);
  });

  it.each(['', 'x', randomUUID(), "' or 1=1 --", '\0', '\ud800', '../../etc/passwd', '%', 'x'.repeat(10_000)])(
    'is not found by %j, which is not its id',
    async (id) => {
      await addAsset(database.current);
      expect(await assets().find(id)).toBeUndefined();
      expect(await assets().remove(id)).toBe(false);
      expect(await rowsOf('assets')).toHaveLength(1);
    },
  );

  it('is not found by its id in upper case', async () => {
    const { id } = await addAsset(database.current, { assetId: 'abcdefab-0000-4000-8000-00000000000a' });
    expect(await assets().find(id.toUpperCase())).toBeUndefined();
    expect(await assets().remove(id.toUpperCase())).toBe(false);
  });

  describe('that is removed', () => {
    it('is gone, once, and no other with it', async () => {
      const job = await database.current.add(waitingJob());
      const [first, second] = [collected({ filename: '1.png' }), collected({ filename: '2.png' })];
      await addFiles(database.current, job, [first, second]);
      expect(await assets().remove(first.assetId)).toBe(true);
      expect(await assets().remove(first.assetId)).toBe(false);
      expect(await assets().find(first.assetId)).toBeUndefined();
      expect((await assets().list({ limit: 5 })).assets.map(({ id }) => id)).toEqual([second.assetId]);
    });

    it('leaves the row of its file to the removal of files', async () => {
      const { id, file } = await addAsset(database.current);
      await assets().remove(id);
      expect(await rowsOf('files')).toMatchObject([{ sha256: file.sha256, removing_at: null }]);
    });

    it('leaves its job', async () => {
      const { id, job } = await addAsset(database.current);
      await assets().remove(id);
      expect(await database.current.find(job.id)).toBeDefined();
    });
  });

  it('is removed with its job', async () => {
    const { id, job } = await addAsset(database.current);
    await database.current.move(job, succeeded);
    await database.current.jobs.remove({ id: job.id });
    expect(await assets().find(id)).toBeUndefined();
  });

  it('is kept over a restart', async () => {
    const { id } = await addAsset(database.current);
    const before = await assets().find(id);
    await database.reopen();
    expect(await assets().find(id)).toStrictEqual(before);
  });

  it('that cannot be read is `storage_failed`', async () => {
    const { id } = await addAsset(database.current);
    await database.current.database.kysely.schema.dropTable('assets').execute();
    const calls = [() => assets().find(id), () => assets().list({ limit: 1 }), () => assets().remove(id)];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ name: 'ComfyUIError', code: 'storage_failed' });
  });
}
