import { randomUUID } from 'node:crypto';
import type { FileChanges } from '../../src/application/jobs/job-repository';
import { STORING_MS, type UnusedFiles } from '../../src/application/assets/asset-repository';
import { describe as describeJob } from '../../src/domain/asset';
import type { CollectedFile, Job } from '../../src/domain/job/job';
import { collected } from '../support/collected';
import { assigned, changed, requeued, started, succeeded, waitingJob, WORKFLOW } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

export function fileChanges(added: readonly CollectedFile[], dropped: readonly CollectedFile[] = []): FileChanges {
  return { added, dropped, description: describeJob({ label: null, workflow: WORKFLOW }) };
}

/** The files of `AssetRepository`, `JobRepository.save` and `JobRepository.remove`. */
export function describeAssetFiles(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const assets = () => database.current.assets;
  const jobs = () => database.current.jobs;
  /** A time at which no file of the test is protected any more. */
  const later = () => Date.now() + STORING_MS + 1;

  async function ended(outputs: readonly CollectedFile[]): Promise<Job> {
    const job = await database.current.add(started(waitingJob()));
    const end = changed(job, { kind: 'succeeded', outputs });
    expect(await jobs().save(end, job.fencingToken, { files: fileChanges(outputs) })).toBe(true);
    return end;
  }

  async function unused(now = later()): Promise<string[]> {
    const found: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page: UnusedFiles = await assets().takeUnusedFiles(now, after);
      found.push(...page.unused);
      after = page.last;
    }
    return found.sort();
  }

  it('are unused when their last asset is gone', async () => {
    const picture = collected();
    const one = await ended([picture]);
    const two = await ended([{ ...picture, assetId: randomUUID() }, collected({ filename: 'b.png' })]);
    expect(await unused()).toEqual([]);
    await jobs().remove({ id: one.id });
    expect(await unused()).toEqual([]);
    await jobs().remove({ id: two.id });
    expect(await unused()).toEqual([picture.sha256, collected({ filename: 'b.png' }).sha256].sort());
  });

  it('are not removed within the time that storing them may take', async () => {
    const job = await ended([collected()]);
    await jobs().remove({ id: job.id });
    expect(await unused(Date.now() + STORING_MS - 10_000)).toEqual([]);
    expect(await unused()).toHaveLength(1);
  });

  it('are `leaving` during their removal, and new afterwards', async () => {
    const { sha256 } = collected();
    expect(await assets().claimFile(sha256, Date.now())).toBe('new');
    await jobs().remove({ id: (await ended([collected()])).id });
    expect(await assets().claimFile(sha256, Date.now())).toBe('known');
    await unused();
    expect(await assets().claimFile(sha256, Date.now())).toBe('leaving');
    await assets().fileRemoved(sha256);
    expect(await assets().claimFile(sha256, Date.now())).toBe('new');
    expect(await unused()).toEqual([]);
  });

  it('that were stored long ago are protected by a claim', async () => {
    await jobs().remove({ id: (await ended([collected()])).id });
    const now = later();
    expect(await assets().claimFile(collected().sha256, now)).toBe('known');
    expect(await unused(now + 1)).toEqual([]);
  });

  it('are taken once, and again when their removal does not finish', async () => {
    await jobs().remove({ id: (await ended([collected()])).id });
    const now = later();
    const taken = await Promise.all(Array.from({ length: 4 }, () => unused(now)));
    expect(taken.flat()).toEqual([collected().sha256]);
    expect(await unused(now + 1_000)).toEqual([]);
    expect(await unused(now + 5 * 60_000)).toEqual([collected().sha256]);
  });

  it('are found among any number, page by page', async () => {
    const pictures = Array.from({ length: 2_500 }, (_, index) => collected({ filename: `${index}.png` }));
    const kept = await ended(pictures.filter((_, index) => index % 100 !== 0));
    const gone = await ended(pictures.filter((_, index) => index % 100 === 0));
    await jobs().remove({ id: gone.id });
    const page = await assets().takeUnusedFiles(later(), '');
    expect(page.last).toMatch(/^[0-9a-f]{64}$/);
    expect(page.unused.length).toBeLessThan(25);
    expect(page.unused.length + (await unused()).length).toBe(25);
    await jobs().remove({ id: kept.id });
    expect(await unused()).toHaveLength(2_475);
  });

  it('of an abandoned attempt are removed from the assets', async () => {
    const picture = collected();
    const running = await database.current.add(started(waitingJob()));
    const halfway = changed(running, { kind: 'collected', file: picture });
    expect(await jobs().save(halfway, running.fencingToken, { files: fileChanges([picture]) })).toBe(true);
    const back = requeued(halfway);
    expect(await jobs().save(back, halfway.fencingToken, { files: fileChanges([], [picture]) })).toBe(true);
    expect(await unused()).toEqual([picture.sha256]);
  });

  it('of a refused write are not stored', async () => {
    const job = await ended([]);
    const late = { ...succeeded(started(job)), outputs: [collected()] };
    expect(await jobs().save(late, 0, { files: fileChanges([collected()]) })).toBe(false);
    expect(await unused()).toEqual([]);
    expect(await assets().claimFile(collected().sha256, Date.now())).toBe('new');
  });

  it('may have any name', async () => {
    const odd = collected({ filename: 'nul \0 half \ud800.png', subfolder: '\0' });
    const job = await ended([odd]);
    expect((await database.current.find(job.id))?.outputs).toEqual([odd]);
  });

  it('may be written twice', async () => {
    const picture = collected();
    const running = await database.current.add(started(waitingJob()));
    for (let time = 0; time < 2; time++)
      expect(await jobs().save(running, running.fencingToken, { files: fileChanges([picture]) })).toBe(true);
  });

  describe('old jobs', () => {
    it('are removed with their assets, the oldest first, and never before their end', async () => {
      const old = [await endedAt(1_000), await endedAt(2_000), await endedAt(3_000)];
      const waiting = await database.current.add({ ...waitingJob(), queuedAt: 0 });
      const running = await database.current.add(assigned(waitingJob()));
      expect(await jobs().remove({ endedBefore: 3_000, limit: 1 })).toBe(1);
      expect(await database.current.find(old[0]!.id)).toBeUndefined();
      expect(await jobs().remove({ endedBefore: 3_000, limit: 10 })).toBe(1);
      expect(await jobs().remove({ endedBefore: 3_000, limit: 10 })).toBe(0);
      for (const { id } of [old[2]!, waiting, running]) expect(await database.current.find(id)).toBeDefined();
      expect(await unused()).toHaveLength(2);
    });

    async function endedAt(time: number): Promise<Job> {
      const job = await database.current.add(started(waitingJob()));
      const picture = collected({ filename: `${time}.png` });
      const end = changed(job, { kind: 'succeeded', outputs: [picture] }, time);
      await jobs().save(end, job.fencingToken, { files: fileChanges([picture]) });
      return end;
    }
  });
}
