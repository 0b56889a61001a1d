import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { JobEventBus } from '../../src/application/jobs/job-event-bus';
import type { ComfyUIError } from '../../src/domain/errors';
import { JOB_STATUSES } from '../../src/domain/job/job';
import { fullJob, waitingJob } from '../store/jobs';
import { collected } from '../support/collected';
import { eventually } from '../support/eventually';
import { runOtherProcess } from './processes';
import { ended, fullRunningJob, hugeJob, later, receiving, receivingAsProcess, runningJob } from './snapshots';

/** The buses of two processes. */
export interface TwoBuses {
  readonly one: JobEventBus;
  readonly other: JobEventBus;
  /** Connects a bus of another process: its name in `other-process.ts`, and its URL. */
  readonly server: readonly [string, string];
  /** Resolves when the subscriptions to these jobs are in effect. */
  subscribed(jobIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** What every `JobEventBus` between processes promises, while nothing breaks. */
export function describeJobEventBus(open: () => Promise<TwoBuses>): void {
  let buses: TwoBuses;
  let logged: jest.SpyInstance;

  beforeEach(async () => {
    buses = await open();
    logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  });

  afterEach(async () => {
    logged.mockRestore();
    await buses.close();
  });

  it('delivers a job with everything a job can have', async () => {
    for (const job of [fullJob(), fullRunningJob(), waitingJob()]) {
      const { snapshots } = receiving(buses.other, job);
      await buses.subscribed([job.id]);
      buses.one.publish({ job });
      await eventually(() => expect(snapshots).toStrictEqual([{ job }]));
      expect(fieldsOf(snapshots[0]?.job.error)).toStrictEqual(fieldsOf(job.error));
    }
  });

  it.each(JOB_STATUSES)('delivers jobs that are %s', async (status) => {
    const job = { ...waitingJob(), status };
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    buses.one.publish({ job });
    await eventually(() => expect(snapshots).toStrictEqual([{ job }]));
  });

  it('delivers the files of a job to its subscribers only', async () => {
    const job = runningJob();
    const received = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    const files = [collected(), { ...collected(), width: 8, height: 8, durationSeconds: 1.5 }];
    for (const file of files) buses.one.publishFile(job.id, file);
    buses.one.publishFile(runningJob().id, collected());
    await eventually(() => expect(received.files).toStrictEqual(files));
    expect([received.snapshots, received.changes]).toEqual([[], []]);
  });

  it('delivers that a job changed that is too large for a message', async () => {
    const job = hugeJob();
    const { snapshots, changes } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    buses.one.publish({ job });
    await eventually(() => expect(changes).toEqual([job.id]));
    buses.one.publish({ job: { ...later(job), texts: [] } });
    await eventually(() => expect(snapshots).toStrictEqual([{ job: { ...later(job), texts: [] } }]));
  });

  it('delivers to each subscriber the events of its jobs, and of no others', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    const all = jobs.map((job) => receiving(buses.other, job));
    const [first] = jobs as [(typeof jobs)[0]];
    const again = receiving(buses.other, first);
    await buses.subscribed(jobs.map(({ id }) => id));
    buses.one.publish({ job: runningJob() });
    for (const job of jobs) buses.one.publish({ job });
    await eventually(() => expect(all.map(({ snapshots }) => snapshots)).toStrictEqual(jobs.map((job) => [{ job }])));
    await eventually(() => expect(again.snapshots).toStrictEqual([{ job: first }]));
  });

  it('delivers nothing after an unsubscription, and everything to the subscribers that remain', async () => {
    const job = runningJob();
    const [one, other] = [receiving(buses.other, job), receiving(buses.other, job)];
    await buses.subscribed([job.id]);
    one.unsubscribe();
    one.unsubscribe();
    buses.one.publish({ job });
    await eventually(() => expect(other.snapshots).toHaveLength(1));
    other.unsubscribe();
    const again = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    buses.one.publish({ job: later(job, 2) });
    await eventually(() => expect(again.snapshots).toHaveLength(1));
    expect([one.snapshots.length, other.snapshots.length]).toEqual([0, 1]);
  });

  it('delivers to the other subscribers when one throws, or unsubscribes while it is called', async () => {
    const job = runningJob();
    const unsubscribe = buses.other.subscribe(job.id, {
      onSnapshot: () => {
        unsubscribe();
        throw new Error('not today');
      },
      onChanged: () => undefined,
      onFile: () => undefined,
    });
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    for (const by of [0, 1]) {
      buses.one.publish({ job: later(job, by) });
      await eventually(() => expect(snapshots).toHaveLength(by + 1));
    }
    expect(logged.mock.calls).toEqual([[expect.stringContaining(job.id), expect.stringContaining('not today')]]);
  });

  it('delivers few of a thousand snapshots in a burst, in their order, and the last one last', async () => {
    const job = runningJob();
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    for (let by = 1; by <= 1_000; by += 1) {
      buses.one.publish({ job: later(job, by) });
      if (by % 100 === 0) await setTimeout(1);
    }
    await eventually(() => expect(snapshots.at(-1)).toStrictEqual({ job: later(job, 1_000) }));
    const revisions = snapshots.map(({ job: { revision } }) => revision);
    expect(revisions.length).toBeLessThan(50);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    const marker = runningJob();
    const marked = receiving(buses.other, marker);
    await buses.subscribed([marker.id]);
    buses.one.publish({ job: marker });
    await eventually(() => expect(marked.snapshots).toHaveLength(1));
    expect(snapshots.at(-1)?.job.revision).toBe(job.revision + 1_000);
  });

  it('delivers the end of a job after its progress', async () => {
    const job = runningJob();
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    for (const by of [1, 2, 3]) buses.one.publish({ job: later(job, by) });
    buses.one.publish({ job: ended(later(job, 3)) });
    await eventually(() => expect(snapshots.at(-1)).toStrictEqual({ job: ended(later(job, 3)) }));
  });

  it('delivers to itself what it publishes at most once', async () => {
    const job = runningJob();
    const [here, there] = [receiving(buses.one, job), receiving(buses.other, job)];
    await buses.subscribed([job.id]);
    buses.one.publish({ job });
    await eventually(() => expect(there.snapshots).toHaveLength(1));
    expect(here.snapshots.length).toBeLessThanOrEqual(1);
  });

  it('reports work to the other processes, and a thousand jobs at once a few times', async () => {
    const [own, other] = [receivingAsProcess(buses.one), receivingAsProcess(buses.other)];
    await eventually(() => {
      buses.one.publishWork();
      expect(other.work.length).toBeGreaterThan(0);
    });
    await settled();
    other.work.length = 0;
    for (let i = 0; i < 1_000; i += 1) buses.one.publishWork();
    await settled();
    expect(other.work.length).toBeGreaterThan(0);
    expect(other.work.length).toBeLessThan(10);
    expect(own.work).toEqual([]);
  });

  it('delivers cancellations to the other processes, also when a subscriber throws', async () => {
    const cancellations: string[] = [];
    buses.other.subscribeProcess({
      onWork: () => undefined,
      onCancellation: (id) => {
        cancellations.push(id);
        throw new Error('not today');
      },
    });
    const ids = Array.from({ length: 20 }, () => randomUUID());
    await eventually(() => {
      buses.one.publishCancellation(ids[0]!);
      expect(cancellations).toContain(ids[0]);
    });
    for (const id of ids) buses.one.publishCancellation(id);
    await eventually(() => expect(cancellations).toEqual(expect.arrayContaining(ids)));
  });

  it('connects processes', async () => {
    const job = runningJob();
    const { snapshots } = receiving(buses.one, job);
    const { work, cancellations } = receivingAsProcess(buses.one);
    await buses.subscribed([job.id]);
    await runOtherProcess(...buses.server, job.id);
    await eventually(() => expect(snapshots.map((snapshot) => snapshot.job.id)).toContain(job.id));
    await eventually(() => expect([work.length > 0, cancellations]).toEqual([true, [job.id]]));
  });

  it('knows the last snapshot of each of many jobs, or none', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    for (const job of jobs) buses.one.publish({ job });
    const latest = await buses.other.latest([randomUUID(), ...jobs.map(({ id }) => id)]);
    expect(latest).toHaveLength(101);
    expect(latest[0]).toBeUndefined();
    expect(await buses.one.latest([])).toEqual([]);
  });

  /** Resolves when what was published before is delivered: the messages of a bus keep their order. */
  async function settled(): Promise<void> {
    const job = runningJob();
    const { snapshots, unsubscribe } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    await setTimeout(0);
    buses.one.publish({ job });
    await eventually(() => expect(snapshots).toHaveLength(1));
    unsubscribe();
  }
}

/** Errors are equal when their messages are: their fields are compared apart. */
function fieldsOf(error: ComfyUIError | undefined) {
  return error && { code: error.code, message: error.message, details: error.details, jobId: error.jobId };
}
