import { randomUUID } from 'node:crypto';
import { newJob } from '../../src/domain/job/job-state';
import type { Job } from '../../src/domain/job/job';
import { nodeIdsOf } from '../../src/domain/workflow/node-order';
import { readWorkflow, writeWorkflow } from '../../src/domain/workflow/workflow-text';
import { ComfyUIError } from '../../src/domain/errors';
import { assigned, changed, entryOf, fullJob, NOON, requeued, started, succeeded, waitingJob, WORKFLOW } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** Single jobs in `JobRepository`. */
export function describeJobRepository(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const jobs = () => database.current.jobs;

  describe('a job', () => {
    it('is found as it was stored, with every field', async () => {
      const job = fullJob();
      await database.current.add({ ...job, ...open(job) });
      expect(await jobs().save(job, job.fencingToken)).toBe(true);
      const found = await database.current.find(job.id);
      expect(found).toStrictEqual(job);
      expect(found?.error).toMatchObject({ code: job.error.code, details: job.error.details, jobId: job.error.jobId });
    });

    it('has no other field', async () => {
      const job = waitingJob();
      await database.current.add(job);
      expect(await database.current.find(job.id)).toStrictEqual(job);
    });

    it('loses a field that is removed from it', async () => {
      const accepted = { ...fullJob(), ...open(fullJob()) };
      await database.current.add(accepted);
      await database.current.move(accepted, (job) => ({ ...job, acceptance: undefined, startedAt: undefined }));
      expect(await database.current.find(accepted.id)).not.toHaveProperty('acceptance');
      expect(await database.current.find(accepted.id)).not.toHaveProperty('startedAt');
    });

    it('is stored without the state of its run', async () => {
      const job = newJob({ id: randomUUID(), workflow: WORKFLOW, queuedAt: NOON });
      await database.current.add(job);
      await jobs().save(job, 0);
      const { workflow: _workflow, run: _run, nodeTimes: _nodeTimes, ...durable } = job;
      expect(await database.current.find(job.id)).toStrictEqual(durable);
    });

    it.each(['', 'x', randomUUID(), randomUUID().toUpperCase(), "' or 1=1 --", '\u0000', '../../etc/passwd'])(
      'is not found by %j, which is not its id',
      async (id) => {
        await database.current.add(waitingJob());
        expect(await database.current.find(id)).toBeUndefined();
        expect(await database.current.workflow(id)).toBeUndefined();
        expect(await jobs().remove({ id: id })).toBe(0);
        expect(await jobs().requestCancellation(id)).toBe(false);
      },
    );
  });

  describe('a job with an assignment', () => {
    const lease = { backend: assigned(waitingJob()).backend!, epoch: 1 };
    const add = (job: Job) => jobs().add(entryOf(job, { assigned: { job: assigned(job), lease } }));

    it('waits when others do', async () => {
      await database.current.add(waitingJob());
      const job = waitingJob();
      expect(await add(job)).toStrictEqual({ job, isNew: true });
      expect(await database.current.find(job.id)).toStrictEqual(job);
    });

    it('is stored as assigned or as waiting, and returned as stored', async () => {
      await database.current.add(waitingJob());
      await database.current.drain();
      const job = waitingJob();
      const { job: stored } = await add(job);
      expect([job.backend, assigned(job).backend]).toContain(stored.backend);
      expect(await database.current.find(job.id)).toEqual(stored);
      expect(await database.current.drain()).toEqual(stored.backend === null ? [job.id] : []);
    });
  });

  describe('a workflow', () => {
    it('keeps the order of its nodes and every digit of its seeds', async () => {
      const text = `{"20":{"class_type":"A","inputs":{"seed":18446744073709551615,"x":-0.5}},"3":{"class_type":"B","inputs":{"seed":9007199254740993}},"b":{"class_type":"C","inputs":{}}}`;
      const job = waitingJob();
      await database.current.add(job, { workflow: readWorkflow(text) });
      const workflow = await database.current.workflow(job.id);
      expect(nodeIdsOf(workflow!)).toEqual(['20', '3', 'b']);
      expect(writeWorkflow(workflow!)).toBe(text);
    });

    it('may hold megabytes, and any character', async () => {
      const inputs = { image: 'x'.repeat(6_000_000), text: '\u0000 \ud800 😀 \u2028 "\\' };
      const job = waitingJob();
      await database.current.add(job, { workflow: { '1': { class_type: 'Load\u0000', inputs } } });
      expect((await database.current.workflow(job.id))?.['1']).toEqual({ class_type: 'Load\u0000', inputs });
    });
  });

  describe('the queue limit', () => {
    it('is exact, however many come at once', async () => {
      const calls = Array.from({ length: 20 }, () => database.current.add(waitingJob(), { maxQueue: 7 }));
      const settled = await Promise.allSettled(calls);
      const refused = settled.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(13);
      expect(refused[0]).toMatchObject({ reason: { code: 'queue_full', details: { maxQueue: 7 } } });
      expect((await jobs().list({ limit: 100 })).jobs).toHaveLength(7);
    });

    it('counts the jobs that wait, and no others', async () => {
      const { current } = database;
      const job = await current.move(await current.add(waitingJob()), started);
      await current.move(await current.add(waitingJob(), { maxQueue: 1 }), succeeded);
      await current.add(waitingJob(), { maxQueue: 1 });
      await expect(current.add(waitingJob(), { maxQueue: 1 })).rejects.toMatchObject({ code: 'queue_full' });
      await current.move(job, requeued);
      await expect(current.add(waitingJob(), { maxQueue: 2 })).rejects.toMatchObject({ code: 'queue_full' });
      await expect(current.add(waitingJob(), { maxQueue: 0 })).rejects.toMatchObject({ code: 'queue_full' });
    });

    it('leaves nothing of a refused job', async () => {
      const job = waitingJob();
      const idempotency = { key: 'k', requestHash: 'h' };
      await expect(jobs().add(entryOf(job, { maxQueue: 0, idempotency }))).rejects.toMatchObject({
        code: 'queue_full',
      });
      expect(await database.current.find(job.id)).toBeUndefined();
      expect(await database.current.workflow(job.id)).toBeUndefined();
      expect(await jobs().add(entryOf(waitingJob(), { idempotency }))).toMatchObject({ isNew: true });
    });
  });

  describe('a write', () => {
    it('is refused when the job was assigned or requeued meanwhile', async () => {
      const { current } = database;
      const job = await current.add(waitingJob());
      const now = await current.move(job, assigned);
      expect(await jobs().save({ ...job, priority: 3 }, 0)).toBe(false);
      expect(await database.current.find(job.id)).toEqual(now);
    });

    it('succeeds for one only of several at once', async () => {
      const job = await database.current.add(waitingJob());
      const claims = await Promise.all(Array.from({ length: 8 }, () => jobs().save(assigned(job), 0)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });

    it('is refused when the job has ended', async () => {
      const { current } = database;
      const ended = await current.move(await current.move(await current.add(waitingJob()), started), succeeded);
      expect(await jobs().save({ ...ended, status: 'failed' }, ended.fencingToken)).toBe(false);
      expect(await database.current.find(ended.id)).toMatchObject({ status: 'succeeded' });
    });

    it('turns a failed job into a succeeded one, and into nothing else', async () => {
      const { current } = database;
      const error = new ComfyUIError('storage_failed', 'The disk is full.');
      const fail = (job: Job) => changed(job, { kind: 'failed', error });
      const failed = await current.move(await current.move(await current.add(waitingJob()), started), fail);
      for (const status of ['failed', 'canceled', 'running'] as const)
        expect(await jobs().save({ ...failed, status }, failed.fencingToken)).toBe(false);
      await current.move(failed, (job) => changed(job, { kind: 'recovered', outputs: [], texts: [] }));
      expect(await database.current.find(failed.id)).toMatchObject({
        status: 'succeeded',
        endedAt: expect.any(Number),
      });
      expect(await database.current.find(failed.id)).not.toHaveProperty('error');
    });

    it('is refused when the job is gone', async () => {
      expect(await jobs().save(waitingJob(), 0)).toBe(false);
    });

    it('may follow another with the same fencing token', async () => {
      const job = await database.current.add(waitingJob());
      expect(await jobs().save({ ...job, revision: 1, cancelRequested: true }, 0)).toBe(true);
      expect(await jobs().save({ ...job, revision: 2, cancelRequested: true }, 0)).toBe(true);
      expect(await database.current.find(job.id)).toMatchObject({ revision: 2, cancelRequested: true });
    });
  });

  describe('removing', () => {
    it('deletes an ended job with its workflow, once', async () => {
      const { current } = database;
      const job = await current.move(await current.add(waitingJob()), succeeded);
      expect(await jobs().remove({ id: job.id })).toBe(1);
      expect(await database.current.find(job.id)).toBeUndefined();
      expect(await database.current.workflow(job.id)).toBeUndefined();
      expect(await jobs().remove({ id: job.id })).toBe(0);
      expect(await current.database.kysely.selectFrom('workflows').selectAll().execute()).toEqual([]);
    });

    it('leaves a job that has not ended', async () => {
      const job = await database.current.add(waitingJob());
      expect(await jobs().remove({ id: job.id })).toBe(0);
      await database.current.move(job, started);
      expect(await jobs().remove({ id: job.id })).toBe(0);
      expect(await database.current.workflow(job.id)).toEqual(WORKFLOW);
    });
  });

  describe('a database that is closed', () => {
    it('refuses everything with `storage_failed`', async () => {
      const { jobs: closed, leases, database: connection } = database.current;
      await connection.close();
      const id = randomUUID();
      const calls = [
        closed.add(entryOf(waitingJob())),
        closed.claim({ assign: () => undefined }),
        closed.claim({ assign: () => undefined, only: [id] }),
        closed.find(id),
        closed.find(id, { withWorkflow: true }),
        closed.list({ limit: 1 }),
        closed.open({ kind: 'assigned' }),
        closed.open({ kind: 'to-cancel', backends: ['b'] }),
        closed.open({ kind: 'overdue', now: 1, limit: 1 }),
        closed.open({ kind: 'changed', known: [waitingJob()] }),
        closed.save(waitingJob(), 0),
        closed.requestCancellation(id),
        closed.remove({ id }),
        closed.remove({ endedBefore: 1, limit: 1 }),
        leases.abandon({ promptId: 'p', backend: 'b', jobId: 'j', abandonedAt: 1 }),
        leases.abandonedOn('b'),
        leases.settle('p'),
      ];
      const settled = await Promise.allSettled(calls);
      for (const result of settled) {
        expect(result).toMatchObject({ status: 'rejected', reason: { name: 'ComfyUIError', code: 'storage_failed' } });
      }
    });
  });

  it('whose row is damaged is `storage_failed`', async () => {
    const job = await database.current.add(waitingJob());
    await database.current.database.kysely.updateTable('jobs').set({ record: '{}' }).execute();
    const failure = { name: 'ComfyUIError', code: 'storage_failed', message: expect.stringContaining(job.id) };
    await expect(jobs().find(job.id)).rejects.toMatchObject(failure);
  });
}

/** Before its end, so that every field can be changed. */
function open(job: Job): Partial<Job> {
  return { ...job, status: 'running', endedAt: undefined, error: undefined };
}
