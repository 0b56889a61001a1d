import { randomUUID } from 'node:crypto';
import { newJob } from '../../src/domain/job/job-state';
import type { Job } from '../../src/domain/job/job';
import { nodeIdsOf } from '../../src/domain/workflow/node-order';
import { readWorkflow, writeWorkflow } from '../../src/domain/workflow/workflow-text';
import { ComfyUIError } from '../../src/domain/errors';
import { changed, entryOf, fullJob, handed, NOON, returned, started, succeeded, waitingJob, WORKFLOW } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What `JobStore` promises of single jobs, wherever they are kept. */
export function describeJobStore(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const store = () => database.current.store;

  describe('a job', () => {
    it('is found as it was stored, with every field', async () => {
      const job = fullJob();
      await database.current.add({ ...job, ...open(job) });
      expect(await store().save(job, job.fencingToken)).toBe(true);
      const found = await store().find(job.id);
      expect(found).toStrictEqual(job);
      expect(found?.error).toMatchObject({ code: job.error.code, details: job.error.details, jobId: job.error.jobId });
    });

    it('has no field that it was not given', async () => {
      const job = waitingJob();
      await database.current.add(job);
      expect(await store().find(job.id)).toStrictEqual(job);
    });

    it('loses a field that is taken from it', async () => {
      const accepted = { ...fullJob(), ...open(fullJob()) };
      await database.current.add(accepted);
      await database.current.move(accepted, (job) => ({ ...job, acceptance: undefined, startedAt: undefined }));
      expect(await store().find(accepted.id)).not.toHaveProperty('acceptance');
      expect(await store().find(accepted.id)).not.toHaveProperty('startedAt');
    });

    it('is stored without what only its run needs', async () => {
      const job = newJob({ id: randomUUID(), workflow: WORKFLOW, queuedAt: NOON });
      await database.current.add(job);
      await store().save(job, 0);
      const { workflow: _workflow, run: _run, nodeTimes: _nodeTimes, ...durable } = job;
      expect(await store().find(job.id)).toStrictEqual(durable);
    });

    it.each(['', 'x', randomUUID(), randomUUID().toUpperCase(), "' or 1=1 --", '\u0000', '../../etc/passwd'])(
      'is not found by %j, which is no id of one',
      async (id) => {
        await database.current.add(waitingJob());
        expect(await store().find(id)).toBeUndefined();
        expect(await store().workflow(id)).toBeUndefined();
        expect(await store().remove(id)).toBe(false);
        expect(await database.current.cancels.request(id)).toBe(false);
        expect(await database.current.backlog.ahead(id)).toBeUndefined();
      },
    );
  });

  describe('a job that a server can get at once', () => {
    const lease = { backend: handed(waitingJob()).backend!, epoch: 1 };
    const offer = (job: Job) => store().add(entryOf(job, { handed: { job: handed(job), lease } }));

    it('waits when others do', async () => {
      await database.current.add(waitingJob());
      const job = waitingJob();
      expect(await offer(job)).toStrictEqual({ job, isNew: true });
      expect(await store().find(job.id)).toStrictEqual(job);
    });

    it('is kept as handed over or as waiting, and returned as it was kept', async () => {
      await database.current.add(waitingJob());
      await database.current.drain();
      const job = waitingJob();
      const { job: kept } = await offer(job);
      expect([job.backend, handed(job).backend]).toContain(kept.backend);
      expect(await store().find(job.id)).toEqual(kept);
      expect((await database.current.queue.next([]))?.jobId).toBe(kept.backend === null ? job.id : undefined);
    });
  });

  describe('a workflow', () => {
    it('keeps the order of its nodes and every digit of its seeds', async () => {
      const text = `{"20":{"class_type":"A","inputs":{"seed":18446744073709551615,"x":-0.5}},"3":{"class_type":"B","inputs":{"seed":9007199254740993}},"b":{"class_type":"C","inputs":{}}}`;
      const job = waitingJob();
      await database.current.add(job, { workflow: readWorkflow(text) });
      const workflow = await store().workflow(job.id);
      expect(nodeIdsOf(workflow!)).toEqual(['20', '3', 'b']);
      expect(writeWorkflow(workflow!)).toBe(text);
    });

    it('may hold megabytes, and any character', async () => {
      const inputs = { image: 'x'.repeat(6_000_000), text: '\u0000 \ud800 😀 \u2028 "\\' };
      const job = waitingJob();
      await database.current.add(job, { workflow: { '1': { class_type: 'Load\u0000', inputs } } });
      expect((await store().workflow(job.id))?.['1']).toEqual({ class_type: 'Load\u0000', inputs });
    });
  });

  describe('the queue limit', () => {
    it('is exact, however many come at once', async () => {
      const calls = Array.from({ length: 20 }, () => database.current.add(waitingJob(), { maxQueue: 7 }));
      const settled = await Promise.allSettled(calls);
      const refused = settled.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(13);
      expect(refused[0]).toMatchObject({ reason: { code: 'queue_full', details: { maxQueue: 7 } } });
      expect((await store().list({ statuses: [], limit: 100 })).jobs).toHaveLength(7);
    });

    it('counts the jobs that wait, and no others', async () => {
      const { current } = database;
      const job = await current.move(await current.add(waitingJob()), started);
      await current.move(await current.add(waitingJob(), { maxQueue: 1 }), succeeded);
      await current.add(waitingJob(), { maxQueue: 1 });
      await expect(current.add(waitingJob(), { maxQueue: 1 })).rejects.toMatchObject({ code: 'queue_full' });
      await current.move(job, returned);
      await expect(current.add(waitingJob(), { maxQueue: 2 })).rejects.toMatchObject({ code: 'queue_full' });
      await expect(current.add(waitingJob(), { maxQueue: 0 })).rejects.toMatchObject({ code: 'queue_full' });
    });

    it('leaves nothing of a refused job', async () => {
      const job = waitingJob();
      const idempotency = { key: 'k', requestHash: 'h' };
      await expect(store().add(entryOf(job, { maxQueue: 0, idempotency }))).rejects.toMatchObject({
        code: 'queue_full',
      });
      expect(await store().find(job.id)).toBeUndefined();
      expect(await store().workflow(job.id)).toBeUndefined();
      expect(await store().add(entryOf(waitingJob(), { idempotency }))).toMatchObject({ isNew: true });
    });
  });

  describe('a write', () => {
    it('is refused when the job was handed over or came back meanwhile', async () => {
      const { current } = database;
      const job = await current.add(waitingJob());
      const now = await current.move(job, handed);
      expect(await store().save({ ...job, priority: 3 }, 0)).toBe(false);
      expect(await store().find(job.id)).toEqual(now);
    });

    it('is for one only of those who write at once', async () => {
      const job = await database.current.add(waitingJob());
      const claims = await Promise.all(Array.from({ length: 8 }, () => store().save(handed(job), 0)));
      expect(claims.filter(Boolean)).toHaveLength(1);
    });

    it('is refused when the job has ended', async () => {
      const { current } = database;
      const ended = await current.move(await current.move(await current.add(waitingJob()), started), succeeded);
      expect(await store().save({ ...ended, status: 'failed' }, ended.fencingToken)).toBe(false);
      expect(await store().find(ended.id)).toMatchObject({ status: 'succeeded' });
    });

    it('makes a job that failed succeed after all, and nothing else of it', async () => {
      const { current } = database;
      const error = new ComfyUIError('storage_failed', 'The disk is full.');
      const fail = (job: Job) => changed(job, { kind: 'failed', error });
      const failed = await current.move(await current.move(await current.add(waitingJob()), started), fail);
      for (const status of ['failed', 'canceled', 'running'] as const)
        expect(await store().save({ ...failed, status }, failed.fencingToken)).toBe(false);
      await current.move(failed, (job) => changed(job, { kind: 'recovered', outputs: [], texts: [] }));
      expect(await store().find(failed.id)).toMatchObject({ status: 'succeeded', endedAt: expect.any(Number) });
      expect(await store().find(failed.id)).not.toHaveProperty('error');
    });

    it('is refused when the job is gone', async () => {
      expect(await store().save(waitingJob(), 0)).toBe(false);
    });

    it('may follow another with the same fencing token', async () => {
      const job = await database.current.add(waitingJob());
      expect(await store().save({ ...job, revision: 1, cancelRequested: true }, 0)).toBe(true);
      expect(await store().save({ ...job, revision: 2, cancelRequested: true }, 0)).toBe(true);
      expect(await store().find(job.id)).toMatchObject({ revision: 2, cancelRequested: true });
    });
  });

  describe('removing', () => {
    it('takes an ended job with its workflow, once', async () => {
      const { current } = database;
      const job = await current.move(await current.add(waitingJob()), succeeded);
      expect(await store().remove(job.id)).toBe(true);
      expect(await store().find(job.id)).toBeUndefined();
      expect(await store().workflow(job.id)).toBeUndefined();
      expect(await store().remove(job.id)).toBe(false);
      expect(await current.database.kysely.selectFrom('workflows').selectAll().execute()).toEqual([]);
    });

    it('leaves a job that has not ended', async () => {
      const job = await database.current.add(waitingJob());
      expect(await store().remove(job.id)).toBe(false);
      await database.current.move(job, started);
      expect(await store().remove(job.id)).toBe(false);
      expect(await store().workflow(job.id)).toEqual(WORKFLOW);
    });
  });

  describe('a database that is closed', () => {
    it('refuses everything with `storage_failed`', async () => {
      const { store: closed, queue, backlog, cancels, prompts, database: connection } = database.current;
      await connection.close();
      const prompt = { promptId: 'p', backend: 'b', jobId: 'j', abandonedAt: 1 };
      const calls = [
        closed.add(entryOf(waitingJob())),
        closed.find(randomUUID()),
        closed.workflow(randomUUID()),
        closed.list({ statuses: [], limit: 1 }),
        closed.save(waitingJob(), 0),
        closed.remove(randomUUID()),
        closed.check(),
        queue.next([]),
        cancels.request(randomUUID()),
        cancels.requested(['b']),
        backlog.ahead(randomUUID()),
        backlog.size(),
        backlog.waiting(1),
        backlog.handedTo('b'),
        backlog.load(),
        backlog.changed([waitingJob()]),
        backlog.overdue(1, 1),
        prompts.add(prompt),
        prompts.of('b'),
        prompts.remove('p'),
      ];
      const settled = await Promise.allSettled(calls);
      for (const result of settled) {
        expect(result).toMatchObject({ status: 'rejected', reason: { name: 'ComfyUIError', code: 'storage_failed' } });
      }
    });
  });

  it('says that jobs can be read', async () => {
    await expect(store().check()).resolves.toBeUndefined();
  });
}

/** As long as it has not ended, every field can be changed. */
function open(job: Job): Partial<Job> {
  return { ...job, status: 'running', endedAt: undefined, error: undefined };
}
