import { randomUUID } from 'node:crypto';
import type { AssetQuery } from '../../src/application/assets/asset-repository';
import { collected } from '../support/collected';
import { addAsset, addFiles, movedTo, promptOf } from './assets';
import { NOON, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

const ID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';

type Filter = Omit<AssetQuery, 'limit'>;

/** `AssetRepository.list`. */
export function describeAssetList(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);

  async function addAssets(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1) ids.push((await addAsset(database.current)).id);
    return ids;
  }

  /** Ids of all pages; `between` runs after each. */
  async function pages(filter: Filter, limit: number, between?: () => Promise<unknown>): Promise<string[][]> {
    const all: string[][] = [];
    for (let cursor: string | undefined | null; cursor !== null;) {
      const page = await database.current.assets.list({ ...filter, limit, cursor });
      all.push(page.assets.map(({ id }) => id));
      cursor = page.next;
      await between?.();
    }
    return all;
  }

  const ids = async (filter: Filter) => (await pages(filter, 50)).flat();

  it('is empty at first', async () => {
    expect(await database.current.assets.list({ limit: 5 })).toEqual({ assets: [], next: null });
  });

  it('shows the newest first, whole, and ends with the oldest', async () => {
    const added = (await addAssets(6)).toReversed();
    const { assets } = database.current;
    const each = await Promise.all(added.map((id) => assets.find(id)));
    expect(await assets.list({ limit: 6 })).toStrictEqual({ assets: each, next: null });
    expect((await pages({}, 4)).map((page) => page.length)).toEqual([4, 2]);
    expect((await pages({}, 3)).map((page) => page.length)).toEqual([3, 3]);
    expect((await pages({}, 1)).flat()).toEqual(added);
  });

  it('shows the files of one job in the order they were written', async () => {
    const job = await database.current.add(waitingJob());
    const files = Array.from({ length: 5 }, (_, i) => collected({ filename: `${i}.png` }));
    await addFiles(database.current, job, files);
    expect((await pages({ jobId: job.id }, 2)).flat()).toEqual(files.map(({ assetId }) => assetId).toReversed());
  });

  it('shows assets of one microsecond once each', async () => {
    const added = await addAssets(5);
    for (const id of added) await movedTo(database.current, id, NOON * 1000);
    expect((await pages({}, 2)).flat()).toEqual(added.toSorted().toReversed());
  });

  it('neither shifts nor repeats while assets arrive', async () => {
    const added = await addAssets(8);
    const seen = await pages({}, 3, () => addAssets(2));
    expect(seen.flat()).toEqual(added.toReversed());
  });

  it('continues behind an asset that was removed', async () => {
    const added = await addAssets(6);
    const { assets } = database.current;
    const first = await assets.list({ limit: 2 });
    await assets.remove(added[4]!);
    await assets.remove(added[3]!);
    const second = await assets.list({ limit: 2, cursor: first.next! });
    expect(second.assets.map(({ id }) => id)).toEqual([added[2], added[1]]);
  });

  it('is filtered by media type, or by kind', async () => {
    const types = ['image/png', 'image/webp', 'imagery/png', 'video/mp4', 'image0/x', 'application/x-npy'];
    const byType = new Map<string, string>();
    for (const mediaType of types) byType.set(mediaType, (await addAsset(database.current, { mediaType })).id);
    const typed = (...wanted: string[]) => wanted.map((type) => byType.get(type));
    expect(await ids({ mediaType: 'image/png' })).toEqual(typed('image/png'));
    expect(await ids({ mediaType: 'image/*' })).toEqual(typed('image/webp', 'image/png'));
    expect(await ids({ mediaType: 'video/*' })).toEqual(typed('video/mp4'));
    for (const mediaType of ['image/p%', 'image/pn_', 'image', '*/*', 'IMAGE/PNG', 'audio/*', '/*', ''])
      expect(await ids({ mediaType })).toEqual([]);
  });

  it('is filtered by job', async () => {
    const { id, job } = await addAsset(database.current);
    await addAssets(2);
    expect(await ids({ jobId: job.id })).toEqual([id]);
    for (const jobId of [randomUUID(), job.id.toUpperCase(), 'x', '', '\0', "' or 1=1 --"])
      expect(await database.current.assets.list({ jobId, limit: 5 })).toEqual({ assets: [], next: null });
  });

  it('is filtered by time, with the start and without the end', async () => {
    const added = await addAssets(4);
    const times = [NOON * 1000 - 1, NOON * 1000, NOON * 1000 + 999, (NOON + 1) * 1000];
    for (const [index, id] of added.entries()) await movedTo(database.current, id, times[index]!);
    const [early, start, end, late] = added;
    expect(await ids({ createdFrom: NOON })).toEqual([late, end, start]);
    expect(await ids({ createdBefore: NOON })).toEqual([early]);
    expect(await ids({ createdFrom: NOON, createdBefore: NOON + 1 })).toEqual([end, start]);
    expect(await ids({ createdFrom: NOON + 1, createdBefore: NOON })).toEqual([]);
    expect(await ids({ createdFrom: -8.64e15, createdBefore: 8.64e15 })).toHaveLength(4);
    expect(await ids({ createdFrom: 8.64e15 })).toEqual([]);
  });

  it('is filtered by label, exactly', async () => {
    const { id } = await addAsset(database.current, {}, promptOf('x', 'Portrait'));
    await addAsset(database.current, {}, promptOf('x', null));
    expect(await ids({ label: 'Portrait' })).toEqual([id]);
    for (const label of ['portrait', 'Portrai', 'Portrai_', '%', '', '\0', '\ud800'])
      expect(await ids({ label })).toEqual([]);
  });

  it('is filtered by text of the prompt, in any case', async () => {
    const fox = (await addAsset(database.current, {}, promptOf('A Red FÜCHSIN in the snow', null, 'Watermark'))).id;
    const owl = (await addAsset(database.current, {}, promptOf('an owl'))).id;
    expect(await ids({ text: 'red füchs' })).toEqual([fox]);
    expect(await ids({ text: 'RED FÜCHS' })).toEqual([fox]);
    expect(await ids({ text: 'waterMARK' })).toEqual([fox]);
    expect(await ids({ text: 'n' })).toEqual([owl, fox]);
    expect(await ids({ text: '' })).toEqual([owl, fox]);
    expect(await ids({ text: 'badger' })).toEqual([]);
  });

  describe('among thousands', () => {
    let foxes: string[];

    /** Foxes at several places, also where one batch ends and the next begins. Their ids, newest first. */
    beforeEach(async () => {
      const made: string[] = [];
      for (const [prompt, count] of [
        ['fox', 1],
        ['owl', 2_003],
        ['fox', 2],
        ['owl', 1_998],
        ['fox', 3],
        ['owl', 1_999],
      ] as const) {
        const files = Array.from({ length: count }, (_, i) => collected({ filename: `${prompt} ${i}.png` }));
        const job = await database.current.add(waitingJob());
        await addFiles(database.current, job, files, promptOf(prompt, prompt));
        if (prompt === 'fox') made.push(...files.map(({ assetId }) => assetId));
      }
      foxes = made.toReversed();
    });

    it('finds each once, in order, on pages of any size', async () => {
      expect((await pages({ text: 'fox' }, 1)).flat()).toEqual(foxes);
      expect((await pages({ text: 'fox' }, 2)).map((page) => page.length)).toEqual([2, 2, 2]);
      expect((await pages({ text: 'fox' }, 4)).flat()).toEqual(foxes);
      expect((await pages({ text: 'fox', label: 'fox', mediaType: 'image/*' }, 6)).flat()).toEqual(foxes);
      expect((await pages({ text: 'fox', mediaType: 'image/png' }, 6)).flat()).toEqual(foxes);
      expect((await pages({ text: 'owl' }, 1_000)).flat()).toHaveLength(6_000);
      expect(await pages({ text: 'badger' }, 5)).toEqual([[]]);
    });

    it('finds each once within one microsecond, while others come and go', async () => {
      const { assets, database: opened } = database.current;
      await opened.kysely
        .updateTable('assets')
        .set({ created_order: NOON * 1000 })
        .execute();
      const [first, ...others] = foxes.toSorted().toReversed();
      const found = await pages({ text: 'fox' }, 1, async () => {
        await assets.remove(first!);
        await addAssets(1);
      });
      expect(found.flat()).toEqual([first, ...others]);
      expect(new Set((await pages({ text: 'owl' }, 1_000)).flat()).size).toBe(6_000);
    });
  });

  it.each([
    ['100% wool', ['0% w', '%'], ['100x', '1%l', '%%']],
    ['snake_case', ['e_c', '_'], ['snak__case', '__']],
    ['wow! great', ['!', 'w! g'], ['!!', '!g']],
    ['back\\slash', ['\\', 'k\\s'], ['\\\\', '\\k']],
    ["it's [a-z]*?", ["'", '[a-z]', '*?'], ['t*s', 'i?', '[i]']],
    ['nul \0 and \ud800 half', ['\0', 'l \0 a', '\ud800 h'], ['\0\0']],
  ])('takes %j literally', async (prompt, inside, outside) => {
    const { id } = await addAsset(database.current, {}, promptOf(prompt));
    await addAsset(database.current, {}, promptOf('nothing of that'));
    for (const text of inside) expect([text, await ids({ text })]).toEqual([text, [id]]);
    for (const text of outside) expect([text, await ids({ text })]).toEqual([text, []]);
  });

  it('combines all filters, page by page', async () => {
    const wanted: string[] = [];
    const job = await database.current.add(waitingJob());
    const files = Array.from({ length: 5 }, () => collected({ mediaType: 'image/webp' }));
    await addFiles(database.current, job, [...files, collected()], promptOf('Fox', 'l'));
    for (const { assetId } of files) wanted.unshift(assetId);
    await addAsset(database.current, { mediaType: 'image/webp' }, promptOf('fox', 'l'));
    const all = { mediaType: 'image/webp', jobId: job.id, label: 'l', text: 'FOX', createdFrom: NOON };
    expect((await pages({ ...all, createdBefore: Date.now() + 60_000 }, 2)).flat()).toEqual(wanted);
  });

  it.each([
    '',
    'x',
    '!',
    "' or 1=1",
    '\0',
    written('1'),
    written(`1 ${'x'.repeat(36)}`),
    written(`01 ${ID}`),
    written(`-1 ${ID}`),
    written(`99999999999999999999 ${ID}`),
    written(`9999999999999999 ${ID}`),
    written(`1 ${ID.toUpperCase()}`),
    `${written(`12 ${ID}`)}=`,
    written(`12 ${ID}\n`),
  ])('refuses the invalid cursor %j', async (cursor) => {
    for (const jobId of [undefined, 'x']) {
      const page = database.current.assets.list({ limit: 5, cursor, jobId });
      await expect(page).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });
}

function written(place: string): string {
  return Buffer.from(place).toString('base64url');
}
