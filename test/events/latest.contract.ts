import { randomUUID } from 'node:crypto';
import { fullJob, waitingJob } from '../store/jobs';
import { eventually } from '../support/eventually';
import type { TwoBuses } from './job-event-bus.contract';
import { ended, fullRunningJob, hashed, later, latestOf, randomPreview, receiving, runningJob } from './snapshots';

/** What a `JobEventBus` promises beyond {@link describeJobEventBus} that keeps snapshots, and carries previews. */
export function describeLatest(open: () => Promise<TwoBuses>): void {
  let buses: TwoBuses;

  beforeEach(async () => {
    buses = await open();
  });

  afterEach(() => buses.close());

  it('keeps a job with everything a job can have', async () => {
    for (const job of [fullJob(), fullRunningJob(), waitingJob()]) {
      buses.one.publish({ job });
      await eventually(async () => expect(await latestOf(buses.other, job)).toStrictEqual({ job }));
    }
  });

  it.each([0, 1, 50_000, 300_000])('delivers previews of %d bytes to the byte', async (size) => {
    const [job, preview] = [runningJob(), randomPreview(size)];
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    buses.one.publish({ job, preview });
    await eventually(() => expect(snapshots.map(hashed)).toStrictEqual([hashed({ job, preview })]));
    expect(hashed(await latestOf(buses.one, job))).toStrictEqual(hashed({ job, preview }));
  });

  it('delivers a preview without a node, and one that begins like text', async () => {
    const preview = { mediaType: 'image/png', nodeId: null, image: Buffer.from('\n{"version":1}\n\n\0') } as const;
    const job = runningJob();
    buses.one.publish({ job, preview });
    await eventually(async () => expect(await latestOf(buses.other, job)).toStrictEqual({ job, preview }));
  });

  it('has the last preview in all later snapshots, as the same object', async () => {
    const [job, preview] = [runningJob(), randomPreview()];
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    buses.one.publish({ job, preview });
    await eventually(() => expect(snapshots).toHaveLength(1));
    buses.one.publish({ job: later(job), preview });
    await eventually(() => expect(snapshots).toHaveLength(2));
    expect(hashed(snapshots[1])).toStrictEqual(hashed({ job: later(job), preview }));
    expect(snapshots[1]?.preview).toBe(snapshots[0]?.preview);
    expect((await latestOf(buses.other, job))?.preview).toBe(snapshots[0]?.preview);
    expect(hashed(await latestOf(buses.one, job))).toStrictEqual(hashed({ job: later(job), preview }));
  });

  it('replaces a preview by a newer one, and removes it with its node', async () => {
    const job = runningJob();
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    const [first, second] = [randomPreview(), randomPreview()];
    const previews = [first, second, second, undefined, randomPreview()];
    for (const [index, preview] of previews.entries()) {
      const snapshot = { job: later(job, index), preview };
      buses.one.publish(snapshot);
      await eventually(() => expect(snapshots).toHaveLength(index + 1));
      expect(hashed(snapshots[index])).toStrictEqual(hashed(preview ? snapshot : { job: snapshot.job }));
      expect(hashed(await latestOf(buses.one, job))).toStrictEqual(hashed(snapshots[index]));
    }
  });

  it('has no preview of a job that has ended', async () => {
    const [job, preview] = [runningJob(), randomPreview()];
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    buses.one.publish({ job, preview });
    await eventually(() => expect(snapshots).toHaveLength(1));
    buses.one.publish({ job: ended(job), preview });
    await eventually(() => expect(snapshots).toHaveLength(2));
    expect(snapshots[1]).toStrictEqual({ job: ended(job) });
    expect(await latestOf(buses.other, job)).toStrictEqual({ job: ended(job) });
  });

  it('knows the last snapshot of each of many jobs, in their order', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    for (const by of [0, 1, 3]) for (const job of jobs) buses.one.publish({ job: later(job, by) });
    const unknown = randomUUID();
    await eventually(async () => {
      const latest = await buses.other.latest([unknown, ...jobs.map(({ id }) => id), unknown]);
      expect(latest).toStrictEqual([undefined, ...jobs.map((job) => ({ job: later(job, 3) })), undefined]);
    });
  });

  it('has the preview also after a burst of snapshots', async () => {
    const [job, preview] = [runningJob(), randomPreview()];
    const { snapshots } = receiving(buses.other, job);
    await buses.subscribed([job.id]);
    for (let by = 1; by <= 1_000; by += 1) buses.one.publish({ job: later(job, by), preview });
    const last = hashed({ job: later(job, 1_000), preview });
    await eventually(() => expect(hashed(snapshots.at(-1))).toStrictEqual(last));
    expect(snapshots.length).toBeLessThan(50);
  });
}
