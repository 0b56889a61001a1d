import { ComfyUIError } from '../../src/domain/errors';
import type { Job } from '../../src/domain/job/job';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyOldJobs } from '../../src/infrastructure/database/kysely-old-jobs';
import { KyselyOutbox } from '../../src/infrastructure/database/kysely-outbox';
import { changed, entryOf, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

const FAILURE = new ComfyUIError('storage_failed', 'The disk is full.');

const failed = (job: Job) => changed(job, { kind: 'failed', error: FAILURE });
const recollected = (job: Job) => changed(job, { kind: 'recovered', outputs: [], texts: [] });

/** What `Outbox` promises, of the jobs of a store that publishes. */
export function describeOutbox(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const store = () => new KyselyJobRepository(database.current.database, true);
  const outbox = () => new KyselyOutbox(database.current.database);
  const due = (later = 0, limit = 100) => outbox().due(Date.now() + later, limit);

  async function move(job: Job, change: (job: Job) => Job): Promise<Job> {
    const next = change(job);
    expect(await store().save(next, job.fencingToken)).toBe(true);
    return next;
  }

  async function ended(end: (job: Job) => Job = succeeded): Promise<Job> {
    const job = waitingJob();
    await store().add(entryOf(job));
    return move(await move(job, started), end);
  }

  it.each([
    ['succeeded', succeeded],
    ['failed', failed],
    ['expired', (job: Job) => changed(job, { kind: 'expired', error: FAILURE })],
    ['canceled', (job: Job) => changed(job, { kind: 'canceled', error: FAILURE })],
  ])('has a job as soon as it %s, and not before', async (_status, end) => {
    const job = waitingJob();
    await store().add(entryOf(job));
    const running = await move(job, started);
    expect(await due()).toEqual([]);
    const { id, revision } = await move(running, end);
    expect(await due()).toEqual([{ jobId: id, revision, tries: 0 }]);
  });

  it('stays empty when nothing is published', async () => {
    await database.current.move(await database.current.add(waitingJob()), succeeded);
    expect(await due()).toEqual([]);
  });

  it('has none of a job whose end was not written', async () => {
    const job = await ended();
    await outbox().sent((await due())[0]!);
    expect(await store().save({ ...failed(job), status: 'failed' }, job.fencingToken)).toBe(false);
    expect(await due()).toEqual([]);
  });

  it('gives the oldest first, and no more than wanted', async () => {
    const jobs = [await ended(), await ended(), await ended()];
    const entries = await due();
    for (const [index, { id }] of jobs.entries())
      await outbox().postpone(
        entries.find(({ jobId }) => jobId === id)!,
        1000 - index,
      );
    const [first, second, third] = jobs.map(({ id }) => id);
    expect((await due()).map(({ jobId }) => jobId)).toEqual([third, second, first]);
    expect((await due(0, 2)).map(({ jobId }) => jobId)).toEqual([third, second]);
  });

  it('gives what is postponed when its time has come, with its tries', async () => {
    await ended();
    const [entry] = await due();
    const nextAt = Date.now() + 60_000;
    await outbox().postpone(entry!, nextAt);
    expect(await due()).toEqual([]);
    expect(await outbox().due(nextAt - 1, 100)).toEqual([]);
    const [again] = await outbox().due(nextAt, 100);
    expect(again).toEqual({ ...entry, tries: 1 });
    await outbox().postpone(again!, nextAt);
    expect(await due(60_000)).toMatchObject([{ tries: 2 }]);
  });

  it('has nothing more of what was sent', async () => {
    const [one, other] = [await ended(), await ended()];
    await outbox().sent({ jobId: one.id, revision: one.revision, tries: 0 });
    expect(await due(60_000)).toMatchObject([{ jobId: other.id }]);
  });

  it('has a job anew that succeeds after all, whatever becomes of the entry before', async () => {
    const job = await ended(failed);
    const [before] = await due();
    await outbox().postpone(before!, Date.now() + 60_000);
    const { id, revision } = await move(job, recollected);
    const anew = [{ jobId: id, revision, tries: 0 }];
    expect(await due()).toEqual(anew);
    await outbox().sent(before!);
    await outbox().postpone(before!, Date.now() + 60_000);
    expect(await due()).toEqual(anew);
    await outbox().sent(anew[0]!);
    expect(await due(60_000)).toEqual([]);
  });

  it('loses a job that is deleted, and keeps one from being cleared away', async () => {
    const job = await ended();
    const { database: opened } = database.current;
    expect(await new KyselyOldJobs(opened, true).remove(Number.MAX_SAFE_INTEGER, 10)).toBe(0);
    expect(await store().remove(job.id)).toBe(true);
    expect(await due()).toEqual([]);
  });

  it('keeps no job when nothing is published any more', async () => {
    await ended();
    expect(await new KyselyOldJobs(database.current.database).remove(Number.MAX_SAFE_INTEGER, 10)).toBe(1);
    expect(await due()).toEqual([]);
  });

  it('that is closed refuses everything with `storage_failed`', async () => {
    const closed = outbox();
    await database.current.database.close();
    const entry = { jobId: 'x', revision: 1, tries: 0 };
    for (const call of [closed.due(1, 1), closed.sent(entry), closed.postpone(entry, 1)])
      await expect(call).rejects.toMatchObject({ name: 'ComfyUIError', code: 'storage_failed' });
  });
}
