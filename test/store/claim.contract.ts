import {
  type AssignedJob,
  type Claim,
  type JobRepository,
  PRIORITY_STEP_MS,
} from '../../src/application/jobs/job-repository';
import type { Job } from '../../src/domain/job/job';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { assigned, NOON, requeued, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

export const take = (job: Job): AssignedJob => ({ job: assigned(job), lease: undefined });

/** Claims by a process whose backends lack something. @param seen collects the ids in the order of the calls */
export const pass =
  (seen: string[] = []): Claim['assign'] =>
  (job) =>
    void seen.push(job.id);

/** `JobRepository.claim`, in one process. */
export function describeClaim(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const jobs = () => database.current.jobs;
  const other = (): JobRepository => new KyselyJobRepository(database.current.database, { consumers: [] });
  const add = (fields: Parameters<typeof waitingJob>[0] = {}) => database.current.add(waitingJob(fields));
  const ids = (all: readonly Job[]) => all.map(({ id }) => id);
  const node = (class_type: string, model: string) => ({ '1': { class_type, inputs: { model } } });

  describe('the order', () => {
    it('is that of the additions, also within a millisecond, and when the clock goes back', async () => {
      const added: Job[] = [];
      for (let i = 0; i < 30; i += 1) added.push(await add({ queuedAt: i < 20 ? NOON : NOON - i * 1000 }));
      expect(await database.current.drain()).toEqual(ids(added));
    });

    it('puts higher priority first', async () => {
      const low = await add({ priority: -1 });
      const normal = await add();
      const high = await add({ priority: 1 });
      const normalToo = await add();
      const [lowest, highest] = [await add({ priority: -100 }), await add({ priority: 100 })];
      expect(await database.current.drain()).toEqual(ids([highest, high, normal, normalToo, low, lowest]));
    });

    it('is moved by waiting: one step of priority is worth so much of it', async () => {
      const lowest = await add({ priority: -100 });
      const highest = await add({ priority: 100, queuedAt: NOON + 200 * PRIORITY_STEP_MS - 1 });
      const later = await add({ priority: 100, queuedAt: NOON + 200 * PRIORITY_STEP_MS + 1 });
      expect(await database.current.drain()).toEqual(ids([highest, lowest, later]));
    });

    it('keeps the place of a job that is requeued', async () => {
      const [first, second, third] = [await add(), await add(), await add()];
      const gone = await database.current.move(first, started);
      const seen: string[] = [];
      await jobs().claim({ assign: pass(seen) });
      expect(seen).toEqual([second.id]);
      await database.current.move(gone, requeued);
      expect(await database.current.drain()).toEqual(ids([first, second, third]));
    });
  });

  it('returns the job as it stored it', async () => {
    const job = await add();
    let result: Job | undefined;
    const claimed = await jobs().claim({
      assign: (waiting) => {
        expect(waiting).toStrictEqual(job);
        result = assigned(waiting);
        return { job: result, lease: undefined };
      },
    });
    expect(claimed).toBe(result);
    expect(await jobs().find(job.id)).toEqual({ job: result, ahead: undefined });
  });

  it('finds nothing when no job waits, and asks for no assignment', async () => {
    const seen: string[] = [];
    expect(await jobs().claim({ assign: pass(seen) })).toBeUndefined();
    await database.current.move(await add(), assigned);
    await database.current.move(await add(), succeeded);
    expect(await jobs().claim({ assign: pass(seen) })).toBeUndefined();
    expect(seen).toEqual([]);
  });

  it('passes over the jobs with the same classes and labels, whatever their models', async () => {
    const first = await add({ workflow: node('A', 'x.ckpt'), labels: ['b', 'a'] });
    await add({ workflow: node('A', 'y.ckpt'), labels: ['a', 'b'] });
    const labelled = await add({ workflow: node('A', 'x.ckpt'), labels: ['a'] });
    const last = await add({ workflow: node('B', 'x.ckpt'), labels: ['a'] });
    const seen: string[] = [];
    expect(await jobs().claim({ assign: pass(seen) })).toBeUndefined();
    expect(seen).toEqual(ids([first, labelled, last]));
    const isLast = (job: Job) => (job.id === last.id ? take(job) : undefined);
    expect(await jobs().claim({ assign: isLast })).toMatchObject({ id: last.id, fencingToken: 1 });
    for (const { id } of [first, labelled])
      expect(await database.current.find(id)).toMatchObject({ backend: null, fencingToken: 0, revision: 0 });
  });

  it('decides once about many jobs that no backend can run now', async () => {
    await Promise.all(Array.from({ length: 300 }, () => add({ workflow: node('Rare', 'x') })));
    const common = await add();
    const seen: string[] = [];
    const assign = (job: Job) => (job.id === common.id ? take(job) : pass(seen)(job));
    expect(await jobs().claim({ assign })).toMatchObject({ id: common.id });
    expect(seen).toHaveLength(1);
  });

  it('takes only the jobs asked for', async () => {
    const [first, second, third] = [await add(), await add(), await add({ priority: 5 })];
    expect(await jobs().claim({ assign: take, only: [] })).toBeUndefined();
    expect(await jobs().claim({ assign: take, only: ['x'] })).toBeUndefined();
    expect(await jobs().claim({ assign: take, only: ids([second]) })).toMatchObject({ id: second.id });
    expect(await jobs().claim({ assign: take, only: ids([second]) })).toBeUndefined();
    expect(await jobs().claim({ assign: take, only: ids([first, third]) })).toMatchObject({ id: third.id });
    const seen: string[] = [];
    expect(await jobs().claim({ assign: pass(seen), only: ids([first, second]) })).toBeUndefined();
    expect(seen).toEqual(ids([first]));
  });

  it('goes on with the next job when the first one changes meanwhile', async () => {
    const [first, second] = [await add(), await add()];
    let changes: Promise<unknown> | undefined;
    const assign = (job: Job): AssignedJob => {
      if (job.id === first.id) changes = other().claim({ assign: take, only: [first.id] });
      return take(job);
    };
    const claimed = await jobs().claim({ assign });
    const winner = await changes;
    expect(winner === undefined ? first.id : second.id).toBe(claimed?.id);
    expect(await database.current.find(first.id)).toMatchObject({ fencingToken: 1 });
  });

  it('hands out every job once to concurrent claims', async () => {
    const added = await Promise.all(Array.from({ length: 60 }, () => add()));
    const all = [jobs(), other(), jobs(), other()];
    const claimed = await Promise.all(all.map((each) => database.current.drain(each)));
    expect(claimed.flat().toSorted()).toEqual(ids(added).toSorted());
    for (const { id } of added) expect(await database.current.find(id)).toMatchObject({ fencingToken: 1 });
  });
}
