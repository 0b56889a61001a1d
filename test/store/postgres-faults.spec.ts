import type { Job } from '../../src/domain/job/job';
import { collected } from '../support/collected';
import { FaultProxy } from '../support/fault-proxy';
import { fileChanges } from './asset-files.contract';
import { assigned, waitingJob, WORKFLOW } from './jobs';
import { Opened } from './opened';
import { describeOnPostgres, inSharedPostgres, onServer, type PostgresPlace } from './places';
import { loseResponse, RoundTrips } from './postgres-faults';

describeOnPostgres('PostgreSQL behind connections that break', () => {
  const makePlace = inSharedPostgres();
  let place: PostgresPlace;
  let opened: Opened;
  let proxy: FaultProxy;
  let roundTrips: RoundTrips;
  let far: Opened;

  beforeEach(async () => {
    place = await makePlace();
    opened = await Opened.at(place.options);
    roundTrips = new RoundTrips();
    proxy = await FaultProxy.to(place.url, roundTrips);
    far = await Opened.at({ databaseUrl: proxy.url });
  });

  afterEach(async () => {
    await Promise.all([far.database.close(), opened.database.close()]);
    await proxy.close();
  });

  const count = async () => (await onServer('select count(*)::int from comfyui.jobs', place.url))[0]?.count;

  it.each(['begin', 'pg_advisory', 'insert into', 'commit'])('after `%s` a job is added once', async (statement) => {
    const loss = loseResponse(proxy, statement);
    const job = waitingJob();
    const added = await far.jobs.add({ job, workflow: WORKFLOW, maxQueue: 1 });
    expect(added).toEqual({ job, isNew: true });
    expect(loss.hasFired).toBe(true);
    expect(await count()).toBe(1);
    expect(await far.workflow(job.id)).toEqual(WORKFLOW);
  });

  it('an assignment whose answer is lost is recognized as written', async () => {
    const job = await far.add(waitingJob());
    const loss = loseResponse(proxy, 'update "comfyui"."jobs"');
    expect(await far.jobs.save(assigned(job), 0)).toBe(true);
    expect(loss.hasFired).toBe(true);
  });

  it('an identical assignment by another process is recognized as not its own', async () => {
    const claim = assigned(await far.add(waitingJob()));
    expect(await opened.jobs.save(claim, 0)).toBe(true);
    const loss = loseResponse(proxy, 'update "comfyui"."jobs"');
    expect(await far.jobs.save(claim, 0)).toBe(false);
    expect(loss.hasFired).toBe(true);
  });

  it('a job, its assignment and its end with files take one round trip each', async () => {
    await far.add(assigned(waitingJob()));
    const roundTripsOf = async (act: () => Promise<unknown>) => {
      const before = roundTrips.count;
      await act();
      return roundTrips.count - before;
    };
    const job = { ...waitingJob(), queuedAt: Date.now() + 1_000 };
    expect(await roundTripsOf(() => far.add(job))).toBe(1);
    expect(await roundTripsOf(() => far.jobs.save(assigned(job), 0))).toBe(1);
    const files = fileChanges([collected(), collected({ filename: 'b.png' })]);
    const ended: Job = { ...job, status: 'succeeded', fencingToken: 2, endedAt: Date.now() };
    expect(await roundTripsOf(() => far.jobs.save(ended, 1, { files }))).toBe(1);
    expect(await opened.find(job.id)).toMatchObject({ status: 'succeeded' });
  });

  it('a claim takes two round trips, and one when no job waits', async () => {
    const [, job] = [await far.drain(), await far.add(waitingJob())];
    const assign = (waiting: Job) => ({ job: assigned(waiting), lease: undefined });
    await far.jobs.claim({ assign: () => undefined });
    let before = roundTrips.count;
    expect(await far.jobs.claim({ assign })).toMatchObject({ id: job.id });
    expect(roundTrips.count - before).toBe(2);
    before = roundTrips.count;
    expect(await far.jobs.claim({ assign })).toBeUndefined();
    expect(roundTrips.count - before).toBe(1);
  });

  it.each(['order by "rank"', 'skip locked'])(
    'a claim whose connection breaks at `%s` takes one job, once',
    async (statement) => {
      const [lease] = await far.leases.acquire('us', ['http://gpu-1:8188'], { atMost: 1, ttlMs: 60_000 });
      const jobs = [await far.add(waitingJob()), await far.add(waitingJob())];
      const seen: string[] = [];
      const loss = loseResponse(proxy, statement);
      const assign = (job: Job) => {
        seen.push(job.id);
        return { job: assigned(job), lease };
      };
      expect(await far.jobs.claim({ assign })).toMatchObject({ id: jobs[0]?.id });
      expect(loss.hasFired).toBe(true);
      expect(seen).toEqual([jobs[0]?.id]);
      expect(await opened.find(jobs[0]!.id)).toMatchObject({ fencingToken: 1 });
      expect(await opened.find(jobs[1]!.id)).toMatchObject({ fencingToken: 0, backend: null });
    },
  );

  it('an end is written with its files once', async () => {
    const job = await far.add(waitingJob());
    const file = collected();
    const loss = loseResponse(proxy, 'insert into "comfyui"."assets"');
    const ended: Job = { ...job, status: 'succeeded', outputs: [file], endedAt: Date.now() };
    expect(await far.jobs.save(ended, 0, { files: fileChanges([file]) })).toBe(true);
    expect(loss.hasFired).toBe(true);
    expect(await opened.assets.find(file.assetId)).toBeDefined();
  });

  it('a connection that carries nothing is closed', async () => {
    const job = await far.add(waitingJob());
    proxy.hold();
    await expect(far.find(job.id)).rejects.toMatchObject({
      code: 'storage_failed',
      message: 'The job database cannot be reached.',
    });
    expect(await far.find(job.id)).toStrictEqual(job);
  });
});
