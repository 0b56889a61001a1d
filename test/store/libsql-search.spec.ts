import { setImmediate } from 'node:timers/promises';
import type { AssetQuery } from '../../src/application/assets/asset-repository';
import { collected } from '../support/collected';
import { addAsset, addFiles, promptOf } from './assets';
import { waitingJob } from './jobs';
import { Opened } from './opened';
import { inMemory } from './places';

describe('a search in the embedded database', () => {
  let opened: Opened;

  beforeEach(async () => {
    opened = await Opened.at((await inMemory()).options);
  });

  afterEach(() => opened.database.close());

  /** How often other work runs while assets are listed. */
  async function turnsDuring(query: Omit<AssetQuery, 'limit'>): Promise<number> {
    let turns = 0;
    const over = new AbortController();
    const listed = opened.assets.list({ ...query, limit: 5 }).finally(() => over.abort());
    for (; !over.signal.aborted; turns += 1) await setImmediate();
    await listed;
    return turns;
  }

  it('lets other work run after every few thousand assets, with any filter', async () => {
    const files = Array.from({ length: 10_000 }, () => collected());
    await addFiles(opened, await opened.add(waitingJob()), files, promptOf('an owl', 'bird'));
    const usual = await turnsDuring({});
    for (const query of [{ text: 'fox' }, { mediaType: 'video/*' }, { text: 'fox', mediaType: 'image/png' }])
      expect((await turnsDuring(query)) - usual).toBeGreaterThanOrEqual(4);
  });

  it('finds a frequent and a rare label, the newest first', async () => {
    const ids: string[] = [];
    const add = async (label: string) => ids.push((await addAsset(opened, {}, promptOf('an owl', label))).id);
    for (const label of ['rare', ...Array<string>(2_100).fill('common'), 'rare', 'common']) await add(label);
    const found = async (query: Omit<AssetQuery, 'limit'>) =>
      (await opened.assets.list({ ...query, limit: 2_200 })).assets.map(({ id }) => id);
    const newest = ids.toReversed();
    const [last, rare, ...rest] = newest;
    for (const mediaType of [undefined, 'image/png', 'image/*']) {
      expect(await found({ label: 'common', mediaType })).toEqual([last, ...rest.slice(0, -1)]);
      expect(await found({ label: 'rare', mediaType, text: 'OWL' })).toEqual([rare, rest.at(-1)]);
    }
    const usual = await turnsDuring({});
    expect((await turnsDuring({ label: 'common', text: 'fox' })) - usual).toBeGreaterThanOrEqual(1);
    expect((await turnsDuring({ label: 'rare', text: 'fox' })) - usual).toBe(0);
  });
});
