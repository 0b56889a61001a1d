import { randomUUID } from 'node:crypto';
import type { FileChanges } from '../../src/application/jobs/job-repository';
import { STORING_MS, type UnusedFiles } from '../../src/application/assets/stored-files';
import { describe as describeJob } from '../../src/domain/asset';
import type { CollectedFile, Job } from '../../src/domain/job/job';
import { collected } from '../support/collected';
import { changed, handed, returned, started, succeeded, waitingJob, WORKFLOW } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

export function fileChanges(added: readonly CollectedFile[], dropped: readonly CollectedFile[] = []): FileChanges {
  return { added, dropped, description: describeJob({ label: null, workflow: WORKFLOW }) };
}

/** What `StoredFiles`, `OldJobs` and the files of `JobStore.save` promise. */
export function describeStoredFiles(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const files = () => database.current.files;
  const store = () => database.current.store;
  /** When nothing that was stored during the test is safe any more. */
  const later = () => Date.now() + STORING_MS + 1;

  async function ended(outputs: readonly CollectedFile[]): Promise<Job> {
    const job = await database.current.add(started(waitingJob()));
    const end = changed(job, { kind: 'succeeded', outputs });
    expect(await store().save(end, job.fencingToken, { files: fileChanges(outputs) })).toBe(true);
    return end;
  }

  async function unused(now = later()): Promise<string[]> {
    const found: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page: UnusedFiles = await files().takeUnused(now, after);
      found.push(...page.unused);
      after = page.last;
    }
    return found.sort();
  }

  it('are unused when the last asset that has them is gone', async () => {
    const picture = collected();
    const one = await ended([picture]);
    const two = await ended([{ ...picture, assetId: randomUUID() }, collected({ filename: 'b.png' })]);
    expect(await unused()).toEqual([]);
    await store().remove(one.id);
    expect(await unused()).toEqual([]);
    await store().remove(two.id);
    expect(await unused()).toEqual([picture.sha256, collected({ filename: 'b.png' }).sha256].sort());
  });

  it('are not removed within the time in which somebody may be storing them', async () => {
    const job = await ended([collected()]);
    await store().remove(job.id);
    expect(await unused(Date.now() + STORING_MS - 10_000)).toEqual([]);
    expect(await unused()).toHaveLength(1);
  });

  it('are held back while one removes them, and free afterwards', async () => {
    const { sha256 } = collected();
    expect(await files().claim(sha256, Date.now())).toBe('new');
    await store().remove((await ended([collected()])).id);
    expect(await files().claim(sha256, Date.now())).toBe('known');
    await unused();
    expect(await files().claim(sha256, Date.now())).toBe('leaving');
    await files().removed(sha256);
    expect(await files().claim(sha256, Date.now())).toBe('new');
    expect(await unused()).toEqual([]);
  });

  it('that were stored long ago are kept for who claims them', async () => {
    await store().remove((await ended([collected()])).id);
    const now = later();
    expect(await files().claim(collected().sha256, now)).toBe('known');
    expect(await unused(now + 1)).toEqual([]);
  });

  it('are taken once, and again when whoever took them did not finish', async () => {
    await store().remove((await ended([collected()])).id);
    const now = later();
    const taken = await Promise.all(Array.from({ length: 4 }, () => unused(now)));
    expect(taken.flat()).toEqual([collected().sha256]);
    expect(await unused(now + 1_000)).toEqual([]);
    expect(await unused(now + 5 * 60_000)).toEqual([collected().sha256]);
  });

  it('are found among any number, a few looked at at a time', async () => {
    const pictures = Array.from({ length: 2_500 }, (_, index) => collected({ filename: `${index}.png` }));
    const kept = await ended(pictures.filter((_, index) => index % 100 !== 0));
    const gone = await ended(pictures.filter((_, index) => index % 100 === 0));
    await store().remove(gone.id);
    const page = await files().takeUnused(later(), '');
    expect(page.last).toMatch(/^[0-9a-f]{64}$/);
    expect(page.unused.length).toBeLessThan(25);
    expect(page.unused.length + (await unused()).length).toBe(25);
    await store().remove(kept.id);
    expect(await unused()).toHaveLength(2_475);
  });

  it('of an abandoned attempt are no assets any more', async () => {
    const picture = collected();
    const running = await database.current.add(started(waitingJob()));
    const halfway = changed(running, { kind: 'collected', file: picture });
    expect(await store().save(halfway, running.fencingToken, { files: fileChanges([picture]) })).toBe(true);
    const back = returned(halfway);
    expect(await store().save(back, halfway.fencingToken, { files: fileChanges([], [picture]) })).toBe(true);
    expect(await unused()).toEqual([picture.sha256]);
  });

  it('of a write that is refused are none', async () => {
    const job = await ended([]);
    const late = { ...succeeded(started(job)), outputs: [collected()] };
    expect(await store().save(late, 0, { files: fileChanges([collected()]) })).toBe(false);
    expect(await unused()).toEqual([]);
    expect(await files().claim(collected().sha256, Date.now())).toBe('new');
  });

  it('may have any name and any text around them', async () => {
    const odd = collected({ filename: 'nul \0 half \ud800.png', subfolder: '\0' });
    const job = await ended([odd]);
    expect((await store().find(job.id))?.outputs).toEqual([odd]);
  });

  it('may be written twice', async () => {
    const picture = collected();
    const running = await database.current.add(started(waitingJob()));
    for (let time = 0; time < 2; time++)
      expect(await store().save(running, running.fencingToken, { files: fileChanges([picture]) })).toBe(true);
  });

  describe('old jobs', () => {
    it('go with what is known of their files, the oldest first, and never one that has not ended', async () => {
      const old = [await endedAt(1_000), await endedAt(2_000), await endedAt(3_000)];
      const waiting = await database.current.add({ ...waitingJob(), queuedAt: 0 });
      const running = await database.current.add(handed(waitingJob()));
      expect(await database.current.oldJobs.remove(3_000, 1)).toBe(1);
      expect(await store().find(old[0]!.id)).toBeUndefined();
      expect(await database.current.oldJobs.remove(3_000, 10)).toBe(1);
      expect(await database.current.oldJobs.remove(3_000, 10)).toBe(0);
      for (const { id } of [old[2]!, waiting, running]) expect(await store().find(id)).toBeDefined();
      expect(await unused()).toHaveLength(2);
    });

    async function endedAt(time: number): Promise<Job> {
      const job = await database.current.add(started(waitingJob()));
      const picture = collected({ filename: `${time}.png` });
      const end = changed(job, { kind: 'succeeded', outputs: [picture] }, time);
      await store().save(end, job.fencingToken, { files: fileChanges([picture]) });
      return end;
    }
  });
}
