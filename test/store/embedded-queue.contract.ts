import { PRIORITY_STEP_MS } from '../../src/application/jobs/job-queue';
import type { Job } from '../../src/domain/job/job';
import { describeJobQueue } from './job-queue.contract';
import { NOON, returned, started, waitingJob } from './jobs';
import { freshDatabase, Opened } from './opened';
import type { Place } from './places';

/** What the queue promises whose tickets are the rows of the jobs: the order to the millisecond. */
export function describeEmbeddedQueue(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const queue = () => database.current.queue;
  const add = (fields: Parameters<typeof waitingJob>[0] = {}) => database.current.add(waitingJob(fields));
  const ids = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

  describeJobQueue(() => ({
    opened: database.current,
    queue: queue(),
    other: new Opened(database.current.database).queue,
  }));

  describe('the exact order', () => {
    it('is that of their coming within a millisecond, and when the clock goes back', async () => {
      const jobs: Job[] = [];
      for (let i = 0; i < 30; i += 1) jobs.push(await add({ queuedAt: i < 20 ? NOON : NOON - i * 1000 }));
      expect(await database.current.drain()).toEqual(ids(jobs));
    });

    it('is moved by waiting: one step of priority is worth so much of it', async () => {
      const lowest = await add({ priority: -100 });
      const highest = await add({ priority: 100, queuedAt: NOON + 200 * PRIORITY_STEP_MS - 1 });
      const later = await add({ priority: 100, queuedAt: NOON + 200 * PRIORITY_STEP_MS + 1 });
      expect(await database.current.drain()).toEqual(ids([highest, lowest, later]));
    });

    it('gives a job that comes back its old place', async () => {
      const [first, second, third] = [await add(), await add(), await add()];
      const gone = await database.current.move(first, started);
      expect(await queue().next([])).toMatchObject({ jobId: second.id });
      await database.current.move(gone, returned);
      expect(await database.current.drain()).toEqual(ids([first, second, third]));
    });
  });

  it('has no tickets that could get lost', async () => {
    await add();
    expect(await queue().tickets()).toBeNull();
  });
}
