import { entryOf, handed, NOON, waitingJob, WORKFLOW } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What outlives the process. */
export function describeDurability(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);

  it('keeps jobs, workflows, keys, places in the queue and abandoned prompts over a restart', async () => {
    const idempotency = { key: 'k', requestHash: 'h' };
    const first = await database.current.add(waitingJob({ startBy: NOON + 1 }), { idempotency });
    const second = await database.current.move(await database.current.add(waitingJob()), handed);
    const prompt = { promptId: 'p', backend: 'http://one', jobId: first.id, abandonedAt: NOON };
    await database.current.prompts.add(prompt);
    const page = await database.current.store.list({ statuses: [], limit: 1 });

    await database.reopen();
    const { store, queue, backlog, prompts } = database.current;
    expect(await store.find(first.id)).toStrictEqual(first);
    expect(await store.workflow(first.id)).toEqual(WORKFLOW);
    expect(await store.add(entryOf(waitingJob(), { idempotency }))).toStrictEqual({ job: first, isNew: false });
    expect(await store.list({ statuses: [], limit: 1, cursor: page.next! })).toMatchObject({
      jobs: [{ id: first.id }],
    });
    expect(await queue.next([])).toMatchObject({ jobId: first.id });
    expect(await backlog.handedTo('http://gpu-1:8188')).toEqual([second]);
    expect(await backlog.overdue(NOON + 2, 9)).toStrictEqual([first]);
    expect(await prompts.of('http://one')).toEqual([prompt]);
  });

  it('puts jobs that come after a restart behind those from before, whatever the clock says', async () => {
    const before = await database.current.add(waitingJob());
    await database.reopen();
    const after = await database.current.add(waitingJob({ queuedAt: NOON - 60_000 }));
    expect(await database.current.drain()).toEqual([before.id, after.id]);
  });

  it('refuses a database that a newer version made', async () => {
    const { kysely } = database.current.database;
    const row = { name: '9999-from-the-future', timestamp: new Date().toISOString() };
    await kysely.withTables<{ kysely_migration: typeof row }>().insertInto('kysely_migration').values(row).execute();
    await expect(database.reopen()).rejects.toMatchObject({ code: 'storage_failed', message: /newer version/ });
  });
}
