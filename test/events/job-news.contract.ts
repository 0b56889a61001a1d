import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { JobEventBus } from '../../src/application/jobs/job-event-bus';
import type { ComfyUIError } from '../../src/domain/errors';
import { JOB_STATUSES } from '../../src/domain/job/job';
import { collected } from '../support/collected';
import { fullJob, waitingJob } from '../store/jobs';
import { eventually } from '../support/eventually';
import { ended, fullRunningJob, hashed, hearing, later, latestOf, picture, runningJob } from './snapshots';

/** Two processes that share news, as far as they need it. */
export interface TwoProcesses {
  readonly me: JobEventBus;
  readonly you: JobEventBus;
  /** Resolves when those who listen to these jobs are sure to hear. */
  listened(jobIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** What `JobNews` promises between processes, while nothing breaks. */
export function describeJobNews(open: () => Promise<TwoProcesses>): void {
  let both: TwoProcesses;
  let logged: jest.SpyInstance;

  beforeEach(async () => {
    both = await open();
    logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
  });

  afterEach(async () => {
    logged.mockRestore();
    await both.close();
  });

  it('brings others a job with everything a job can have', async () => {
    for (const job of [fullJob(), fullRunningJob(), waitingJob()]) {
      const { heard } = hearing(both.you, job);
      await both.listened([job.id]);
      both.me.tell({ job });
      await eventually(() => expect(heard).toStrictEqual([{ job }]));
      expect(fieldsOf(heard[0]?.job.error)).toStrictEqual(fieldsOf(job.error));
      await eventually(async () => expect(await latestOf(both.you, job)).toStrictEqual({ job }));
    }
  });

  it('brings files that a job will have to those who listen, and no others', async () => {
    const [job, expected] = [runningJob(), [] as unknown[]];
    const stop = both.you.listen(
      job.id,
      () => undefined,
      (file) => expected.push(file),
    );
    await both.listened([job.id]);
    const files = [collected(), { ...collected(), width: 8, height: 8, durationSeconds: 1.5 }];
    for (const file of files) both.me.foretell(job.id, file);
    both.me.foretell(runningJob().id, collected());
    await eventually(() => expect(expected).toStrictEqual(files));
    stop();
  });

  it.each(JOB_STATUSES)('brings jobs that are %s', async (status) => {
    const job = { ...waitingJob(), status };
    both.me.tell({ job });
    await eventually(async () => expect(await latestOf(both.you, job)).toStrictEqual({ job }));
  });

  it.each([0, 1, 50_000, 300_000])('brings previews of %d bytes to the byte', async (size) => {
    const [job, preview] = [runningJob(), picture(size)];
    const { heard } = hearing(both.you, job);
    await both.listened([job.id]);
    both.me.tell({ job, preview });
    await eventually(() => expect(heard.map(hashed)).toStrictEqual([hashed({ job, preview })]));
    expect(hashed(await latestOf(both.me, job))).toStrictEqual(hashed({ job, preview }));
  });

  it('brings a preview without a node, and one that begins like text', async () => {
    const preview = { mediaType: 'image/png', nodeId: null, image: Buffer.from('\n{"version":1}\n\n\0') } as const;
    const job = runningJob();
    both.me.tell({ job, preview });
    await eventually(async () => expect(await latestOf(both.you, job)).toStrictEqual({ job, preview }));
  });

  it('has the last preview with all that is told later, as the same picture', async () => {
    const [job, preview] = [runningJob(), picture()];
    const { heard } = hearing(both.you, job);
    await both.listened([job.id]);
    both.me.tell({ job, preview });
    await eventually(() => expect(heard).toHaveLength(1));
    both.me.tell({ job: later(job), preview });
    await eventually(() => expect(heard).toHaveLength(2));
    expect(hashed(heard[1])).toStrictEqual(hashed({ job: later(job), preview }));
    expect(heard[1]?.preview).toBe(heard[0]?.preview);
    expect((await latestOf(both.you, job))?.preview).toBe(heard[0]?.preview);
    expect(hashed(await latestOf(both.me, job))).toStrictEqual(hashed({ job: later(job), preview }));
  });

  it('has another preview when there is one, and none when its time is over', async () => {
    const job = runningJob();
    const { heard } = hearing(both.you, job);
    await both.listened([job.id]);
    const [first, second] = [picture(), picture()];
    const told = [first, second, second, undefined, picture()].map((preview, by) => ({ job: later(job, by), preview }));
    for (const [index, snapshot] of told.entries()) {
      both.me.tell(snapshot);
      await eventually(() => expect(heard).toHaveLength(index + 1));
      const { preview, ...rest } = snapshot;
      expect(hashed(heard[index])).toStrictEqual(hashed(preview ? snapshot : rest));
      expect(hashed(await latestOf(both.me, job))).toStrictEqual(hashed(heard[index]));
    }
  });

  it('has no preview of a job that has ended', async () => {
    const [job, preview] = [runningJob(), picture()];
    const { heard } = hearing(both.you, job);
    await both.listened([job.id]);
    both.me.tell({ job, preview });
    await eventually(() => expect(heard).toHaveLength(1));
    both.me.tell({ job: ended(job), preview });
    await eventually(() => expect(heard).toHaveLength(2));
    expect(heard[1]).toStrictEqual({ job: ended(job) });
    expect(await latestOf(both.you, job)).toStrictEqual({ job: ended(job) });
  });

  it('knows the last that was told, of each of many, in their order', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    for (const by of [0, 1, 3]) for (const job of jobs) both.me.tell({ job: later(job, by) });
    const unknown = randomUUID();
    await eventually(async () => {
      const latest = await both.you.latest([unknown, ...jobs.map(({ id }) => id), unknown]);
      expect(latest).toStrictEqual([undefined, ...jobs.map((job) => ({ job: later(job, 3) })), undefined]);
    });
    expect(await both.me.latest([])).toEqual([]);
  });

  it('brings everyone the news of the jobs they listen to, and of no others', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    const all = jobs.map((job) => hearing(both.you, job));
    const [first] = jobs as [(typeof jobs)[0]];
    const [again, here] = [hearing(both.you, first), hearing(both.me, first)];
    await both.listened(jobs.map(({ id }) => id));
    both.me.tell({ job: runningJob() });
    for (const job of jobs) both.me.tell({ job });
    await eventually(() => expect(all.map(({ heard }) => heard)).toStrictEqual(jobs.map((job) => [{ job }])));
    await eventually(() => expect([again.heard, here.heard]).toStrictEqual([[{ job: first }], [{ job: first }]]));
  });

  it('brings no news to who stopped, and all to those who did not', async () => {
    const job = runningJob();
    const [one, other] = [hearing(both.you, job), hearing(both.you, job)];
    await both.listened([job.id]);
    one.stop();
    one.stop();
    both.me.tell({ job });
    await eventually(() => expect(other.heard).toHaveLength(1));
    other.stop();
    both.me.tell({ job: later(job) });
    await eventually(async () => expect((await latestOf(both.you, job))?.job.revision).toBe(job.revision + 1));
    const again = hearing(both.you, job);
    await both.listened([job.id]);
    both.me.tell({ job: later(job, 2) });
    await eventually(() => expect(again.heard).toHaveLength(1));
    expect([one.heard.length, other.heard.length]).toEqual([0, 1]);
  });

  it('goes on when one who listens throws, or stops while it hears', async () => {
    const job = runningJob();
    const stopThrowing = both.you.listen(job.id, () => {
      stopThrowing();
      throw new Error('not today');
    });
    const { heard } = hearing(both.you, job);
    await both.listened([job.id]);
    for (const by of [0, 1]) {
      both.me.tell({ job: later(job, by) });
      await eventually(() => expect(heard).toHaveLength(by + 1));
    }
    expect(logged.mock.calls).toEqual([[expect.stringContaining(job.id), expect.stringContaining('not today')]]);
  });

  it('brings few of a thousand in a burst, and the last one last', async () => {
    const [job, preview] = [runningJob(), picture()];
    const { heard } = hearing(both.you, job);
    await both.listened([job.id]);
    for (let i = 1; i <= 1_000; i += 1) {
      both.me.tell({ job: later(job, i), preview });
      if (i % 100 === 0) await setTimeout(1);
    }
    await eventually(() => expect(hashed(heard.at(-1))).toStrictEqual(hashed({ job: later(job, 1_000), preview })));
    expect(heard.length).toBeLessThan(50);
    expect(heard.map(({ job: { revision } }) => revision)).toEqual(
      heard.map(({ job: { revision } }) => revision).toSorted((a, b) => a - b),
    );
    await setTimeout(100);
    expect(heard.at(-1)?.job.revision).toBe(job.revision + 1_000);
  });

  it('brings wishes to cancel to whoever hears them', async () => {
    const [mine, yours]: [string[], string[]] = [[], []];
    both.me.onCancel((id) => mine.push(id));
    both.you.onCancel((id) => {
      yours.push(id);
      throw new Error('not today');
    });
    const ids = Array.from({ length: 20 }, () => randomUUID());
    await eventually(() => {
      both.me.askToCancel(ids[0]!);
      expect([...mine, ...yours]).toEqual(expect.arrayContaining([ids[0], ids[0]]));
      expect(Math.min(mine.length, yours.length)).toBeGreaterThan(0);
    });
    for (const id of ids) both.you.askToCancel(id);
    await eventually(() => expect([mine, yours]).toEqual([mine, yours].map(() => expect.arrayContaining(ids))));
  });
}

/** An error is equal to another of the same words. */
function fieldsOf(error: ComfyUIError | undefined) {
  return error && { code: error.code, message: error.message, details: error.details, jobId: error.jobId };
}
