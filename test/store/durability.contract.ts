import { assigned, entryOf, NOON, waitingJob, WORKFLOW } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What is kept over a restart. */
export function describeDurability(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);

  it('keeps jobs, workflows, keys, places in the queue and abandoned prompts over a restart', async () => {
    const idempotency = { key: 'k', requestHash: 'h' };
    const first = await database.current.add(waitingJob({ startBy: NOON + 1 }), { idempotency });
    const second = await database.current.move(await database.current.add(waitingJob()), assigned);
    const prompt = { promptId: 'p', backend: 'http://one', jobId: first.id, abandonedAt: NOON };
    await database.current.leases.abandon(prompt);
    const page = await database.current.jobs.list({ limit: 1 });

    await database.reopen();
    const { jobs, leases } = database.current;
    const found = await jobs.find(first.id, { withWorkflow: true });
    expect(found).toStrictEqual({ job: first, ahead: 0, workflow: WORKFLOW });
    expect(await jobs.add(entryOf(waitingJob(), { idempotency }))).toStrictEqual({ job: first, isNew: false });
    expect(await jobs.list({ limit: 1, cursor: page.next! })).toMatchObject({ jobs: [{ job: { id: first.id } }] });
    expect(await jobs.open({ kind: 'assigned' })).toEqual([second]);
    expect(await jobs.open({ kind: 'overdue', now: NOON + 2, limit: 9 })).toStrictEqual([first]);
    expect(await leases.abandonedOn('http://one')).toEqual([prompt]);
    expect(await database.current.drain()).toEqual([first.id]);
  });

  it('puts jobs that arrive after a restart behind those from before, also when the clock goes back', async () => {
    const before = await database.current.add(waitingJob());
    await database.reopen();
    const after = await database.current.add(waitingJob({ queuedAt: NOON - 60_000 }));
    expect(await database.current.drain()).toEqual([before.id, after.id]);
  });

  it('refuses the database of a newer version', async () => {
    const { kysely } = database.current.database;
    const row = { name: '9999-from-the-future', timestamp: new Date().toISOString() };
    await kysely.withTables<{ kysely_migration: typeof row }>().insertInto('kysely_migration').values(row).execute();
    await expect(database.reopen()).rejects.toMatchObject({ code: 'storage_failed', message: /newer version/ });
  });
}
