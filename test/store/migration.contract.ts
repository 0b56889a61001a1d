import { encodeJob } from '../../src/domain/job/job.codec';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyOutboxRepository } from '../../src/infrastructure/database/kysely-outbox-repository';
import { entryOf, NOON, waitingJob, WORKFLOW } from './jobs';
import { Opened } from './opened';
import type { Place } from './places';
import { createVersion010, VERSION_0_1_0 } from './version-0.1.0';

/** The migration of a database that version 0.1.0 wrote. */
export function describeMigration(makePlace: () => Promise<Place>): void {
  let place: Place;
  let opened: Opened;

  beforeEach(async () => {
    place = await makePlace();
    await createVersion010(place);
    opened = await Opened.at(place.options);
  });

  afterEach(async () => {
    await opened.database.close();
    await place.remove();
  });

  const { jobs: stored, tables } = VERSION_0_1_0;
  const [urgent, labelled, requeued, assigned, running] = stored.map(({ id }) => id);

  it('keeps every field of every job, and the workflows', async () => {
    expect(stored.map(({ status, backend }) => [status, backend !== null])).toEqual([
      ['queued', false],
      ['queued', false],
      ['running', false],
      ['queued', true],
      ['running', true],
      ['succeeded', false],
      ['failed', false],
    ]);
    for (const { id, needs, placement, error, ...job } of stored) {
      const found = await opened.jobs.find(id, { withWorkflow: true });
      const { error: foundError, ...rest } = found!.job;
      expect(rest).toStrictEqual({ ...job, id, requirements: needs, fencingToken: placement });
      expect(foundError && encodeJob(found!.job).error).toEqual(error);
      expect(found?.workflow).toEqual(WORKFLOW);
    }
    expect((await opened.jobs.list({ limit: 100 })).jobs).toHaveLength(stored.length);
  });

  it('keeps the queue, the idempotency keys and the assignments', async () => {
    const again = waitingJob({ queuedAt: NOON + 1 });
    const entry = entryOf(again, { idempotency: { key: 'order-1', requestHash: 'hash-1' } });
    expect(await opened.jobs.add(entry)).toMatchObject({ job: { id: urgent }, isNew: false });
    const added = await opened.add(again);
    const open = await opened.jobs.open({ kind: 'assigned', backends: ['http://gpu-1:8188'] });
    expect(open.map(({ id }) => id)).toEqual([assigned, running]);
    expect(await opened.jobs.open({ kind: 'overdue', now: NOON + 60_000, limit: 9 })).toMatchObject([{ id: urgent }]);
    expect(await opened.drain()).toEqual([urgent, labelled, requeued, added.id]);
  });

  it('keeps the assets, their files and the abandoned prompts', async () => {
    const { assets } = await opened.assets.list({ limit: 9 });
    expect(assets.map(({ id }) => id).toSorted()).toEqual(tables.assets?.map(({ id }) => id).toSorted());
    expect(new Set(assets.map(({ description }) => description.label))).toEqual(new Set(['film', 'portrait']));
    for (const { file, jobId } of assets) {
      expect((await opened.find(jobId))?.outputs).toEqual([file]);
      expect(await opened.assets.claimFile(file.sha256, Date.now())).toBe('known');
    }
    expect(await opened.leases.abandonedOn('http://gpu-1:8188')).toEqual([
      { promptId: 'p-1', backend: 'http://gpu-1:8188', jobId: running, abandonedAt: NOON },
    ]);
  });

  it('turns the outbox into entries for Supabase, with their attempts', async () => {
    const outbox = new KyselyOutboxRepository(opened.database);
    const entries = await outbox.due('supabase', Date.now(), 9);
    const expected = tables.outbox?.map(({ job_id, revision, tries }) => ({
      consumer: 'supabase',
      jobId: job_id,
      event: 'ended',
      revision,
      attempts: tries,
    }));
    expect(entries).toHaveLength(2);
    expect(entries).toEqual(expect.arrayContaining(expected!));
    expect(new Set(entries.map(({ attempts }) => attempts))).toEqual(new Set([0, 3]));
    const jobs = new KyselyJobRepository(opened.database, { consumers: ['supabase'] });
    const old = { endedBefore: Number.MAX_SAFE_INTEGER, limit: 9 };
    expect(await jobs.remove(old)).toBe(0);
    for (const entry of entries) await outbox.delivered(entry);
    expect(await jobs.remove(old)).toBe(2);
  });

  it('is done once', async () => {
    await opened.database.close();
    opened = await Opened.at(place.options);
    expect(await opened.find(urgent!)).toBeDefined();
  });
}
