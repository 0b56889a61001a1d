import type { OutboxEntry } from '../../src/application/outbox/outbox-repository';
import { ComfyUIError } from '../../src/domain/errors';
import type { Job } from '../../src/domain/job/job';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyOutboxRepository } from '../../src/infrastructure/database/kysely-outbox-repository';
import { changed, entryOf, started, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

const CONSUMER = 'supabase';
const FAILURE = new ComfyUIError('storage_failed', 'The disk is full.');

const failed = (job: Job) => changed(job, { kind: 'failed', error: FAILURE });
const recollected = (job: Job) => changed(job, { kind: 'recovered', outputs: [], texts: [] });
const entryFor = ({ id, revision }: Job, consumer = CONSUMER): OutboxEntry => ({
  consumer,
  jobId: id,
  event: 'ended',
  revision,
  attempts: 0,
});

/** `OutboxRepository`, and the entries that `JobRepository` writes. */
export function describeOutbox(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const jobs = (consumers = [CONSUMER]) => new KyselyJobRepository(database.current.database, { consumers });
  const outbox = () => new KyselyOutboxRepository(database.current.database);
  const due = (later = 0, limit = 100, consumer = CONSUMER) => outbox().due(consumer, Date.now() + later, limit);

  async function move(job: Job, change: (job: Job) => Job, consumers?: string[]): Promise<Job> {
    const next = change(job);
    expect(await jobs(consumers).save(next, job.fencingToken)).toBe(true);
    return next;
  }

  async function ended(end: (job: Job) => Job = succeeded, consumers?: string[]): Promise<Job> {
    const job = waitingJob();
    await jobs().add(entryOf(job));
    return move(await move(job, started), end, consumers);
  }

  it.each([
    ['succeeded', succeeded],
    ['failed', failed],
    ['expired', (job: Job) => changed(job, { kind: 'expired', error: FAILURE })],
    ['canceled', (job: Job) => changed(job, { kind: 'canceled', error: FAILURE })],
  ])('has an entry as soon as a job is %s, and not before', async (_status, end) => {
    const job = waitingJob();
    await jobs().add(entryOf(job));
    const running = await move(job, started);
    expect(await due()).toEqual([]);
    expect(await due()).toEqual([]);
    const last = await move(running, end);
    expect(await due()).toEqual([entryFor(last)]);
  });

  it('has one entry per consumer, each delivered and postponed apart from the others', async () => {
    const job = await ended(succeeded, ['supabase', 'webhook']);
    const webhook = entryFor(job, 'webhook');
    expect(await due(0, 9, 'webhook')).toEqual([webhook]);
    await outbox().postpone(webhook, Date.now() + 60_000);
    expect(await due(0, 9, 'webhook')).toEqual([]);
    expect(await due()).toEqual([entryFor(job)]);
    await outbox().delivered(entryFor(job));
    expect(await due()).toEqual([]);
    expect(await due(60_000, 9, 'webhook')).toEqual([{ ...webhook, attempts: 1 }]);
    expect(await due(60_000, 9, 'another')).toEqual([]);
  });

  it('stays empty without consumers', async () => {
    await database.current.move(await database.current.add(waitingJob()), succeeded);
    expect(await database.current.database.kysely.selectFrom('outbox').selectAll().execute()).toEqual([]);
  });

  it('has no entry for an end that was not written', async () => {
    const job = await ended();
    await outbox().delivered((await due())[0]!);
    expect(await jobs().save({ ...failed(job), status: 'failed' }, job.fencingToken)).toBe(false);
    expect(await due()).toEqual([]);
  });

  it('returns the earliest entries first, up to the limit', async () => {
    const all = [await ended(), await ended(), await ended()];
    for (const [index, job] of all.entries()) await outbox().postpone(entryFor(job), 1000 - index);
    const [first, second, third] = all.map(({ id }) => id);
    expect((await due()).map(({ jobId }) => jobId)).toEqual([third, second, first]);
    expect((await due(0, 2)).map(({ jobId }) => jobId)).toEqual([third, second]);
  });

  it('returns a postponed entry from its time on, with its attempts', async () => {
    await ended();
    const [entry] = await due();
    const nextAt = Date.now() + 60_000;
    await outbox().postpone(entry!, nextAt);
    expect(await due()).toEqual([]);
    expect(await outbox().due(CONSUMER, nextAt - 1, 100)).toEqual([]);
    const [again] = await outbox().due(CONSUMER, nextAt, 100);
    expect(again).toEqual({ ...entry, attempts: 1 });
    await outbox().postpone(again!, nextAt);
    expect(await due(60_000)).toMatchObject([{ attempts: 2 }]);
  });

  it('forgets a delivered entry', async () => {
    const [one, other] = [await ended(), await ended()];
    await outbox().delivered(entryFor(one));
    expect(await due(60_000)).toEqual([entryFor(other)]);
  });

  it('replaces the entry of a job that failed and now succeeds', async () => {
    const job = await ended(failed);
    const [before] = await due();
    await outbox().postpone(before!, Date.now() + 60_000);
    const anew = entryFor(await move(job, recollected));
    expect(await due()).toEqual([anew]);
    await outbox().delivered(before!);
    await outbox().postpone(before!, Date.now() + 60_000);
    expect(await due()).toEqual([anew]);
    await outbox().delivered(anew);
    expect(await due(60_000)).toEqual([]);
  });

  it('loses the entry of a job that is deleted, and protects the others from retention', async () => {
    const job = await ended();
    expect(await jobs().remove({ endedBefore: Number.MAX_SAFE_INTEGER, limit: 10 })).toBe(0);
    expect(await jobs().remove({ id: job.id })).toBe(1);
    expect(await due()).toEqual([]);
  });

  it('keeps no job for a consumer that is no longer configured', async () => {
    await ended();
    expect(await jobs([]).remove({ endedBefore: Number.MAX_SAFE_INTEGER, limit: 10 })).toBe(1);
    expect(await due()).toEqual([]);
    await ended();
    expect(await jobs(['another']).remove({ endedBefore: Number.MAX_SAFE_INTEGER, limit: 10 })).toBe(1);
  });

  it('refuses everything with `storage_failed` once it is closed', async () => {
    const closed = outbox();
    await database.current.database.close();
    const entry = entryFor(waitingJob());
    for (const call of [closed.due(CONSUMER, 1, 1), closed.delivered(entry), closed.postpone(entry, 1)])
      await expect(call).rejects.toMatchObject({ name: 'ComfyUIError', code: 'storage_failed' });
  });
}
