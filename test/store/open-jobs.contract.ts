import { randomUUID } from 'node:crypto';
import type { Job } from '../../src/domain/job/job';
import { assigned, NOON, requeued, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

const [ONE, TWO, THREE] = ['http://gpu-1:8188', 'http://gpu-2:8188', 'http://gpu-3:8188'] as const;

/** `JobRepository.open` and `requestCancellation`. */
export function describeOpenJobs(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const jobs = () => database.current.jobs;
  const add = (fields: Parameters<typeof waitingJob>[0] = {}) => database.current.add(waitingJob(fields));
  const assignedTo = (...backends: string[]) => jobs().open({ kind: 'assigned', backends });
  const toCancel = (...backends: string[]) => jobs().open({ kind: 'to-cancel', backends });
  const overdue = (now: number, limit: number) => jobs().open({ kind: 'overdue', now, limit });

  it('are found by the backend they are assigned to, whole and in order', async () => {
    await add();
    const waiting = [await add(), await add(), await add()];
    const running: Job[] = [];
    for (const job of waiting.toReversed()) running.push(await database.current.move(job, started));
    const elsewhere = await database.current.move(await add(), (job) => assigned(job, TWO));
    await database.current.move(await database.current.move(await add(), assigned), requeued);
    await database.current.move(await database.current.move(await add(), assigned), succeeded);
    expect(await assignedTo(ONE)).toEqual(running.toReversed());
    expect(await assignedTo(TWO)).toEqual([elsewhere]);
    expect(await assignedTo(THREE)).toEqual([]);
    expect(await assignedTo()).toEqual([]);
    const all = [...running.toReversed(), elsewhere];
    expect(await assignedTo(TWO, ONE)).toEqual(all);
    expect(await jobs().open({ kind: 'assigned' })).toEqual(all);
  });

  it('are found when they have changed since, also those that have ended', async () => {
    const [running, ended, same] = [await add(), await add(), await add()];
    await database.current.move(running, started);
    await database.current.move(ended, succeeded);
    const changedSince = (known: readonly Pick<Job, 'id' | 'revision'>[]) => jobs().open({ kind: 'changed', known });
    const changed = await changedSince([running, ended, same, { id: randomUUID(), revision: 0 }]);
    expect(changed).toHaveLength(2);
    for (const job of changed) expect(job).toStrictEqual(await database.current.find(job.id));
    expect(await changedSince(changed)).toEqual([]);
    expect(await changedSince([])).toEqual([]);
    const unknown = Array.from({ length: 1_200 }, () => ({ id: randomUUID(), revision: 0 }));
    expect(await changedSince([...unknown, running])).toMatchObject([{ id: running.id }]);
  });

  it('are found when they are overdue, the earliest first', async () => {
    const late = await add({ startBy: NOON + 200 });
    const later = await add({ startBy: NOON + 100 });
    await add({ startBy: NOON + 301 });
    await add({ startBy: null });
    await database.current.move(await add({ startBy: NOON + 1 }), assigned);
    await database.current.move(await add({ startBy: NOON + 1 }), succeeded);
    const ran = await database.current.move(await add({ startBy: NOON + 1 }), started);
    await database.current.move(ran, requeued);
    expect(await overdue(NOON + 300, 10)).toStrictEqual([later, late]);
    expect(await overdue(NOON + 300, 1)).toStrictEqual([later]);
    expect(await overdue(NOON + 99, 10)).toEqual([]);
  });

  describe('with a requested cancellation', () => {
    it('are found by their backend', async () => {
      const [running, other, waiting, ended] = [await add(), await add(), await add(), await add()];
      await database.current.move(running, started);
      await database.current.move(other, (job) => assigned(job, TWO));
      await database.current.move(await database.current.move(ended, assigned), succeeded);
      expect(await toCancel(ONE, TWO)).toEqual([]);
      const noted = [];
      for (const { id } of [running, other, waiting, ended]) noted.push(await jobs().requestCancellation(id));
      expect(noted).toEqual([true, true, false, false]);
      expect(await toCancel(ONE)).toStrictEqual([await database.current.find(running.id)]);
      expect(await toCancel(ONE, TWO)).toHaveLength(2);
      expect(await toCancel()).toEqual([]);
    });

    it('keep it over later writes that do not know of it', async () => {
      const running = await database.current.move(await add(), started);
      await jobs().requestCancellation(running.id);
      const requested = { status: 'canceling', cancelRequested: true };
      expect(await database.current.find(running.id)).toMatchObject(requested);
      expect(await jobs().save({ ...running, revision: 9 }, running.fencingToken)).toBe(true);
      expect(await database.current.find(running.id)).toMatchObject({ ...requested, revision: 9 });
      expect(await toCancel(ONE)).toMatchObject([{ id: running.id, ...requested }]);
    });
  });
}
