import { IDEMPOTENCY_MS } from '../../src/application/jobs/job-repository';
import { assigned, entryOf, NOON, succeeded, waitingJob } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** The idempotency keys of `JobRepository.add`. */
export function describeIdempotency(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const idempotency = { key: 'order-4711', requestHash: 'hash-1' };
  const add = (queuedAt = NOON, rest = { idempotency }) =>
    database.current.jobs.add(entryOf(waitingJob({ queuedAt }), rest));

  it('returns the earlier job, in its present state, for a repeated request', async () => {
    const first = await add();
    const now = await database.current.move(first.job, assigned);
    expect(await add()).toEqual({ job: now, isNew: false });
    expect((await database.current.jobs.list({ limit: 10 })).jobs).toHaveLength(1);
  });

  it('refuses the key for another request', async () => {
    const { job } = await add();
    await expect(add(NOON, { idempotency: { ...idempotency, requestHash: 'hash-2' } })).rejects.toMatchObject({
      code: 'idempotency_mismatch',
      jobId: job.id,
    });
  });

  it('stores one job for many requests at once', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => add()));
    expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(answers.map(({ job }) => job.id)).size).toBe(1);
  });

  it('returns the earlier job also when the queue is full', async () => {
    const { job } = await add();
    const again = database.current.jobs.add(entryOf(waitingJob(), { idempotency, maxQueue: 1 }));
    expect(await again).toMatchObject({ job: { id: job.id }, isNew: false });
    const known = database.current.jobs.add(entryOf(waitingJob(), { idempotency, maxQueue: 0 }));
    expect(await known).toMatchObject({ job: { id: job.id }, isNew: false });
  });

  it('remembers a key for 24 hours, then it is free', async () => {
    const { job } = await add();
    expect(await add(NOON + IDEMPOTENCY_MS - 1)).toMatchObject({ job: { id: job.id }, isNew: false });
    const second = await add(NOON + IDEMPOTENCY_MS, { idempotency: { ...idempotency, requestHash: 'hash-2' } });
    expect(second.isNew).toBe(true);
    expect(await database.current.find(job.id)).toStrictEqual(job);
    expect(
      await add(NOON + IDEMPOTENCY_MS + 1, { idempotency: { ...idempotency, requestHash: 'hash-2' } }),
    ).toMatchObject({ job: { id: second.job.id }, isNew: false });
  });

  it('forgets a key with its job', async () => {
    const { job } = await add();
    await database.current.move(job, succeeded);
    await database.current.jobs.remove({ id: job.id });
    expect(await add()).toMatchObject({ isNew: true });
  });

  it.each([
    ['long', 'x'.repeat(20_000)],
    ['empty', ''],
    ['strange', '\u0000 \ud800 😀'],
  ])('takes a key that is %s', async (_what, key) => {
    const { job } = await add(NOON, { idempotency: { ...idempotency, key } });
    expect(await add(NOON, { idempotency: { ...idempotency, key } })).toMatchObject({ job: { id: job.id } });
    expect(await add()).toMatchObject({ isNew: true });
  });
}
