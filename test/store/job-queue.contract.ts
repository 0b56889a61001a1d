import type { JobQueue } from '../../src/application/jobs/job-queue';
import type { Job } from '../../src/domain/job/job';
import { eventually } from '../support/eventually';
import { handed, returned, succeeded, waitingJob } from './jobs';
import type { Opened } from './opened';

export interface Queues {
  readonly opened: Opened;
  readonly queue: JobQueue;
  /** That of another process. */
  readonly other: JobQueue;
}

/** What `JobQueue` promises. */
export function describeJobQueue(current: () => Queues): void {
  const queue = () => current().queue;
  const ids = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

  async function add(fields: Parameters<typeof waitingJob>[0] = {}): Promise<Job> {
    const job = await current().opened.add(waitingJob({ queuedAt: Date.now(), ...fields }));
    await queue().offer([job]);
    return job;
  }

  /** What a queue hands over until it has `count`, and that it has no more then. */
  async function drain(from: JobQueue, count: number): Promise<string[]> {
    const drained: string[] = [];
    await eventually(async () => {
      drained.push(...(await current().opened.drain(from)));
      expect(drained).toHaveLength(count);
    });
    return drained;
  }

  describe('the order', () => {
    it('is that of their coming within a level', async () => {
      const jobs: Job[] = [];
      const queuedAt = Date.now();
      for (let i = 0; i < 30; i += 1) jobs.push(await add({ queuedAt }));
      expect(await drain(queue(), 30)).toEqual(ids(jobs));
    });

    it('puts higher priority first', async () => {
      const low = await add({ priority: -1 });
      const normal = await add();
      const high = await add({ priority: 1 });
      const normalToo = await add();
      const [lowest, highest] = [await add({ priority: -100 }), await add({ priority: 100 })];
      expect(await drain(queue(), 6)).toEqual(ids([highest, high, normal, normalToo, low, lowest]));
    });

    it('is moved by waiting, so that low priority does not wait for ever', async () => {
      const patient = await add({ priority: -100, queuedAt: Date.now() - 3 * 60 * 60_000 });
      const fresh = await add({ priority: 100 });
      expect(await drain(queue(), 2)).toEqual(ids([patient, fresh]));
    });

    it('is not changed by offering again', async () => {
      const jobs = [await add(), await add({ priority: 3 }), await add()];
      await current().other.offer(jobs.toReversed());
      await queue().offer(jobs);
      expect(await drain(queue(), 3)).toEqual([jobs[1]!.id, jobs[0]!.id, jobs[2]!.id]);
      expect(await queue().next([])).toBeUndefined();
    });
  });

  describe('next', () => {
    it('is nothing when none was offered, or all are settled', async () => {
      expect(await queue().next([])).toBeUndefined();
      const jobs = [await add(), await add()];
      await current().opened.move(jobs[0]!, handed);
      await current().opened.move(jobs[1]!, succeeded);
      expect(await current().opened.drain(queue())).toEqual([]);
      expect(await queue().next([])).toBeUndefined();
      expect(await current().other.next([])).toBeUndefined();
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
        expect(ticket).toEqual({ jobId: id, requirementsKey: expect.any(String) });
        await queue().putBack(ticket!);
        stuck.push(ticket!.requirementsKey);
      }
      expect(await queue().next(stuck)).toBeUndefined();
      await eventually(async () => {
        const ticket = await queue().next(['something else', stuck[1]!, stuck[2]!]);
        expect(ticket?.requirementsKey).toBe(stuck[0]);
      });
    });
  });

  it('gives a ticket that was put back to another process', async () => {
    const job = await add();
    await queue().putBack((await queue().next([]))!);
    expect(await drain(current().other, 1)).toEqual([job.id]);
  });

  it('leads again to a job that comes back', async () => {
    const job = await add();
    const ticket = await queue().next([]);
    const gone = await current().opened.move(job, handed);
    await queue().settle(ticket!);
    expect(await current().other.next([])).toBeUndefined();
    const back = await current().opened.move(gone, returned);
    await queue().offer([back]);
    expect(await drain(current().other, 1)).toEqual([job.id]);
  });

  it('leads to every job once when several processes take them at once', async () => {
    const jobs = await Promise.all(Array.from({ length: 60 }, () => add()));
    const both = await Promise.all([queue(), current().other].map((each) => current().opened.drain(each)));
    expect(both.flat().sort()).toEqual(ids(jobs).sort());
    expect(await queue().next([])).toBeUndefined();
  });
}
