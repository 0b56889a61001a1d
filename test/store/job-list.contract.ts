import type { Job, JobStatus } from '../../src/domain/job/job';
import { assigned, NOON, requeued, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** `JobRepository.list`. */
export function describeJobList(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);

  async function addJobs(count: number): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let i = 0; i < count; i += 1) jobs.push(await database.current.add(waitingJob({ queuedAt: NOON + i })));
    return jobs;
  }

  /** Ids of all pages; `between` runs after each. */
  async function pages(
    statuses: JobStatus[] | undefined,
    limit: number,
    between?: () => Promise<unknown>,
  ): Promise<string[][]> {
    const all: string[][] = [];
    for (let cursor: string | undefined | null; cursor !== null;) {
      const page = await database.current.jobs.list({ statuses, limit, cursor });
      all.push(page.jobs.map(({ job }) => job.id));
      cursor = page.next;
      await between?.();
    }
    return all;
  }

  it('is empty at first', async () => {
    expect(await database.current.jobs.list({ limit: 5 })).toEqual({ jobs: [], next: null });
  });

  it('shows the newest first, whole, and ends with the oldest', async () => {
    const jobs = (await addJobs(6)).toReversed();
    const shown = jobs.map((job, index) => ({ job, ahead: 5 - index }));
    expect(await database.current.jobs.list({ limit: 6 })).toStrictEqual({ jobs: shown, next: null });
    expect((await pages(undefined, 4)).map((page) => page.length)).toEqual([4, 2]);
    expect((await pages([], 3)).map((page) => page.length)).toEqual([3, 3]);
    expect((await pages(undefined, 1)).flat()).toEqual(jobs.map(({ id }) => id));
  });

  it('neither shifts nor repeats while jobs arrive, change and end', async () => {
    const jobs = await addJobs(12);
    const left = [...jobs];
    const seen = await pages([], 3, async () => {
      await addJobs(2);
      const oldest = left.shift();
      if (oldest) await database.current.move(await database.current.move(oldest, started), succeeded);
    });
    expect(seen.flat()).toEqual(jobs.map(({ id }) => id).toReversed());
  });

  it('continues behind a job that was removed', async () => {
    const jobs = await addJobs(6);
    for (const job of jobs) await database.current.move(job, succeeded);
    const first = await database.current.jobs.list({ limit: 2 });
    await database.current.jobs.remove({ id: first.jobs[1]!.job.id });
    const second = await database.current.jobs.list({ limit: 2, cursor: first.next! });
    expect(second.jobs.map(({ job }) => job.id)).toEqual([jobs[3]!.id, jobs[2]!.id]);
  });

  it('shows jobs of the statuses asked for, in one order', async () => {
    const jobs = await addJobs(6);
    const statuses: JobStatus[] = ['queued', 'running', 'succeeded', 'running', 'queued', 'queued'];
    for (const [index, job] of jobs.entries()) {
      if (statuses[index] === 'running') await database.current.move(job, started);
      if (statuses[index] === 'succeeded') await database.current.move(job, succeeded);
    }
    await database.current.move(jobs[5]!, assigned);
    const ids = (wanted: JobStatus[]) =>
      jobs
        .filter((_, index) => wanted.includes(statuses[index]!))
        .map(({ id }) => id)
        .toReversed();
    const choices: JobStatus[][] = [
      ['queued'],
      ['running'],
      ['succeeded', 'running'],
      ['queued', 'queued', 'succeeded'],
    ];
    for (const wanted of choices) expect((await pages(wanted, 2)).flat()).toEqual(ids(wanted));
    expect(await pages(['canceled', 'expired'], 2)).toEqual([[]]);
  });

  it.each(['', 'x', '-', '!', 'MTIz.', 'LTU', 'MS41', "' or 1=1", '\u0000', 'OTk5OTk5OTk5OTk5OTk5OTk5OTk'])(
    'refuses the invalid cursor %j',
    async (cursor) => {
      const page = database.current.jobs.list({ limit: 5, cursor });
      await expect(page).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );

  describe('the number of jobs ahead', () => {
    const aheadOf = async (limit: number, statuses?: JobStatus[]) => {
      const page = await database.current.jobs.list({ limit, statuses });
      return page.jobs.map(({ job, ahead }) => [job.id, ahead] as const);
    };

    it('is that of the claims before, also on a part of the list', async () => {
      const jobs: Job[] = [];
      for (const priority of [0, 0, 5, -3, 0, 5, 1]) jobs.push(await database.current.add(waitingJob({ priority })));
      const places = await aheadOf(10);
      expect(await aheadOf(3)).toEqual(places.slice(0, 3));
      for (const [id, ahead] of places)
        expect(await database.current.jobs.find(id)).toStrictEqual({ job: jobs.find((job) => job.id === id), ahead });
      const inOrder = places.toSorted(([, a], [, b]) => a! - b!);
      expect(inOrder.map(([, ahead]) => ahead)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(await database.current.drain()).toEqual(inOrder.map(([id]) => id));
    });

    it('is known of waiting jobs only', async () => {
      const job = await database.current.add(waitingJob());
      const found = async () => {
        const { ahead } = (await database.current.jobs.find(job.id))!;
        expect(await database.current.jobs.find(job.id, { withWorkflow: true })).toMatchObject({ ahead });
        expect(await aheadOf(1)).toEqual([[job.id, ahead]]);
        return ahead;
      };
      expect(await found()).toBe(0);
      const gone = await database.current.move(job, assigned);
      expect(await found()).toBeUndefined();
      const back = await database.current.move(gone, requeued);
      expect(await found()).toBe(0);
      await database.current.move(back, succeeded);
      expect(await found()).toBeUndefined();
    });
  });
}
