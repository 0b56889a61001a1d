import { PRIORITY_STEP_MS } from '../../src/application/ports/job-queue';
import type { Job } from '../../src/domain/job/job';
import { handed, NOON, returned, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What `JobQueue` promises. */
export function describeJobQueue(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const queue = () => database.current.queue;
  const add = (fields: Parameters<typeof waitingJob>[0] = {}) => database.current.add(waitingJob(fields));
  const ids = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

  describe('the order', () => {
    it('is that of their coming within a millisecond, and when the clock goes back', async () => {
      const jobs: Job[] = [];
      for (let i = 0; i < 30; i += 1) jobs.push(await add({ queuedAt: i < 20 ? NOON : NOON - i * 1000 }));
      expect(await database.current.drain()).toEqual(ids(jobs));
    });

    it('puts higher priority first', async () => {
      const low = await add({ priority: -1 });
      const normal = await add();
      const high = await add({ priority: 1 });
      const normalToo = await add();
      expect(await database.current.drain()).toEqual(ids([high, normal, normalToo, low]));
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

  describe('next', () => {
    it('is nothing when none waits', async () => {
      expect(await queue().next([])).toBeUndefined();
      await database.current.move(await add(), handed);
      await database.current.move(await add(), succeeded);
      expect(await queue().next([])).toBeUndefined();
    });

    it('leaves out those that need the same classes and labels, with whatever models', async () => {
      const node = (class_type: string, model: string) => ({ '1': { class_type, inputs: { model } } });
      const first = await add({ workflow: node('A', 'x.ckpt'), labels: ['b', 'a'] });
      await add({ workflow: node('A', 'y.ckpt'), labels: ['a', 'b'] });
      const labelled = await add({ workflow: node('A', 'x.ckpt'), labels: ['a'] });
      const other = await add({ workflow: node('B', 'x.ckpt'), labels: ['a'] });
      const stuck: string[] = [];
      for (const { id } of [first, labelled, other]) {
        const ticket = await queue().next(stuck);
        expect(ticket).toEqual({ jobId: id, needsKey: expect.any(String) });
        stuck.push(ticket!.needsKey);
      }
      expect(await queue().next(stuck)).toBeUndefined();
      expect(await queue().next(['something else'])).toMatchObject({ jobId: first.id });
    });
  });
}
