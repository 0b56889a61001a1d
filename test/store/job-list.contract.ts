import type { Job, JobStatus } from '../../src/domain/job/job';
import { handed, NOON, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What `JobStore` promises of its list. */
export function describeJobList(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);

  async function addJobs(count: number): Promise<Job[]> {
    const jobs: Job[] = [];
    for (let i = 0; i < count; i += 1) jobs.push(await database.current.add(waitingJob({ queuedAt: NOON + i })));
    return jobs;
  }

  /** Ids of all pages; `between` runs after each. */
  async function pages(statuses: JobStatus[], limit: number, between?: () => Promise<unknown>): Promise<string[][]> {
    const all: string[][] = [];
    for (let cursor: string | undefined | null; cursor !== null;) {
      const page = await database.current.store.list({ statuses, limit, cursor });
      all.push(page.jobs.map(({ id }) => id));
      cursor = page.next;
      await between?.();
    }
    return all;
  }

  it('is empty at first', async () => {
    expect(await database.current.store.list({ statuses: [], limit: 5 })).toEqual({ jobs: [], next: null });
  });

  it('shows the newest first, whole, and ends where it ends', async () => {
    const jobs = (await addJobs(6)).toReversed();
    const { store } = database.current;
    expect(await store.list({ statuses: [], limit: 6 })).toStrictEqual({ jobs, next: null });
    expect((await pages([], 4)).map((page) => page.length)).toEqual([4, 2]);
    expect((await pages([], 3)).map((page) => page.length)).toEqual([3, 3]);
    expect((await pages([], 1)).flat()).toEqual(jobs.map(({ id }) => id));
  });

  it('neither shifts nor repeats while jobs come, change and go', async () => {
    const jobs = await addJobs(12);
    const left = [...jobs];
    const seen = await pages([], 3, async () => {
      await addJobs(2);
      const oldest = left.shift();
      if (oldest) await database.current.move(await database.current.move(oldest, started), succeeded);
    });
    expect(seen.flat()).toEqual(jobs.map(({ id }) => id).toReversed());
  });

  it('goes on behind a job that was removed', async () => {
    const jobs = await addJobs(6);
    for (const job of jobs) await database.current.move(job, succeeded);
    const first = await database.current.store.list({ statuses: [], limit: 2 });
    await database.current.store.remove(first.jobs[1]!.id);
    const second = await database.current.store.list({ statuses: [], limit: 2, cursor: first.next! });
    expect(second.jobs.map(({ id }) => id)).toEqual([jobs[3]!.id, jobs[2]!.id]);
  });

  it('shows jobs of the statuses asked for, in one order', async () => {
    const jobs = await addJobs(6);
    const statuses: JobStatus[] = ['queued', 'running', 'succeeded', 'running', 'queued', 'queued'];
    for (const [index, job] of jobs.entries()) {
      if (statuses[index] === 'running') await database.current.move(job, started);
      if (statuses[index] === 'succeeded') await database.current.move(job, succeeded);
    }
    await database.current.move(jobs[5]!, handed);
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
    'refuses the cursor %j, which it never gave',
    async (cursor) => {
      const page = database.current.store.list({ statuses: [], limit: 5, cursor });
      await expect(page).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );
}
