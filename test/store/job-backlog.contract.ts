import { randomUUID } from 'node:crypto';
import type { Job } from '../../src/domain/job/job';
import { handed, NOON, returned, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What `JobBacklog` promises. */
export function describeJobBacklog(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const backlog = () => database.current.backlog;
  const add = (fields: Parameters<typeof waitingJob>[0] = {}) => database.current.add(waitingJob(fields));
  const ids = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

  describe('ahead', () => {
    it('counts those that are handed over before', async () => {
      const priorities = [0, 0, 5, -3, 0, 5, 1];
      for (const priority of priorities) await add({ priority });
      const { jobs } = await database.current.store.list({ statuses: [], limit: 10 });
      const places = await Promise.all(jobs.map(async ({ id }) => [id, await backlog().ahead(id)] as const));
      const inOrder = places.toSorted(([, a], [, b]) => a! - b!);
      expect(inOrder.map(([, place]) => place)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(await database.current.drain()).toEqual(inOrder.map(([id]) => id));
    });

    it('is known of waiting jobs only', async () => {
      const job = await add();
      expect(await backlog().ahead(job.id)).toBe(0);
      const gone = await database.current.move(job, handed);
      expect(await backlog().ahead(job.id)).toBeUndefined();
      const back = await database.current.move(gone, returned);
      expect(await backlog().ahead(job.id)).toBe(0);
      await database.current.move(back, succeeded);
      expect(await backlog().ahead(job.id)).toBeUndefined();
    });
  });

  it('tells which jobs are handed to a server, whole and in order', async () => {
    await add();
    const waiting = [await add(), await add(), await add()];
    const gone = [];
    for (const job of waiting.toReversed()) gone.push(await database.current.move(job, started));
    const elsewhere = await database.current.move(await add(), (job) => handed(job, 'http://gpu-2:8188'));
    await database.current.move(await database.current.move(await add(), handed), returned);
    await database.current.move(await database.current.move(await add(), handed), succeeded);
    expect(await backlog().handedTo('http://gpu-1:8188')).toEqual(gone.toReversed());
    expect(await backlog().handedTo('http://gpu-2:8188')).toEqual([elsewhere]);
    expect(await backlog().handedTo('http://gpu-3:8188')).toEqual([]);
    expect(await backlog().load()).toEqual(
      new Map([
        ['http://gpu-1:8188', 3],
        ['http://gpu-2:8188', 1],
      ]),
    );
  });

  it('tells which jobs wait, page by page in the order of the queue', async () => {
    for (const priority of [0, 3, 0, -100, 100, 0, 3]) await add({ priority });
    await database.current.move(await add(), handed);
    await database.current.move(await add(), succeeded);
    expect(await backlog().size()).toBe(7);
    const pages: Job[][] = [];
    for (let next: string | null | undefined; next !== null;) {
      const page = await backlog().waiting(3, next);
      pages.push([...page.jobs]);
      next = page.next;
    }
    expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
    expect(pages.flat()[0]).toStrictEqual(await database.current.store.find(pages.flat()[0]!.id));
    expect(ids(pages.flat())).toEqual(await database.current.drain());
    expect(await backlog().waiting(3)).toEqual({ jobs: [], next: null });
  });

  it('tells which jobs have changed since, also those that have ended', async () => {
    const [running, ended, same] = [await add(), await add(), await add()];
    await database.current.move(running, started);
    await database.current.move(ended, succeeded);
    const gone = { id: randomUUID(), revision: 0 };
    const changed = await backlog().changed([running, ended, same, gone]);
    expect(changed).toHaveLength(2);
    for (const job of changed) expect(job).toStrictEqual(await database.current.store.find(job.id));
    expect(await backlog().changed(changed)).toEqual([]);
    expect(await backlog().changed([])).toEqual([]);
  });

  it('tells which jobs are overdue, those that are so longest first', async () => {
    const late = await add({ startBy: NOON + 200 });
    const later = await add({ startBy: NOON + 100 });
    await add({ startBy: NOON + 301 });
    await add({ startBy: null });
    await database.current.move(await add({ startBy: NOON + 1 }), handed);
    await database.current.move(await add({ startBy: NOON + 1 }), succeeded);
    const ran = await database.current.move(await add({ startBy: NOON + 1 }), started);
    await database.current.move(ran, returned);
    expect(await backlog().overdue(NOON + 300, 10)).toStrictEqual([later, late]);
    expect(await backlog().overdue(NOON + 300, 1)).toStrictEqual([later]);
    expect(await backlog().overdue(NOON + 99, 10)).toEqual([]);
  });
}
