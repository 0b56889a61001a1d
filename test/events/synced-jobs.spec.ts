import { AssetFiles } from '../../src/application/assets/asset-files';
import { JobRegistry } from '../../src/application/jobs/job-registry';
import { SharedJobSync } from '../../src/application/jobs/shared-job-sync';
import { PeriodicTasks } from '../../src/application/maintenance/periodic-tasks';
import { ShutdownState } from '../../src/application/maintenance/shutdown-state';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { TempFiles } from '../../src/shared/temp-files/temp-files';
import { Timing } from '../../src/options/timing';
import { NEVER, randomFile } from '../storage/files';
import { inFolder, type StoragePlace } from '../storage/places';
import { collected } from '../support/collected';
import { waitingJob } from '../store/jobs';
import { freshDatabase } from '../store/opened';
import { inMemory } from '../store/places';
import { eventually } from '../support/eventually';
import { describeWithServer, onRedis, RedisServer } from '../support/redis-server';
import { hugeJob, later } from './snapshots';

describeWithServer('a job of another process', () => {
  const database = freshDatabase(inMemory);
  let server: RedisServer;
  let us: RedisEventBus;
  let them: RedisEventBus;
  let registry: JobRegistry;
  let place: StoragePlace;
  let files: AssetFiles;

  beforeEach(async () => {
    place = await inFolder();
    server = await RedisServer.start();
    [us, them] = [
      await RedisEventBus.open({ redisUrl: server.url }),
      await RedisEventBus.open({ redisUrl: server.url }),
    ];
    const { jobs, assets } = database.current;
    files = new AssetFiles(place.storage, assets, new TempFiles({ memory: 1_000_000 }), new Timing());
    const tasks = new PeriodicTasks(new ShutdownState(), { isLeader: false });
    registry = new JobRegistry(jobs, new SharedJobSync(us, jobs, files, tasks, new Timing()));
  });

  afterEach(async () => {
    await Promise.all([us, them].map((bus) => bus.onApplicationShutdown()));
    await server.remove();
    await place.remove();
  });

  const channels = () => onRedis(server.url, (redis) => redis.pubsub('CHANNELS', '*:events:*'));

  it('is subscribed to while it is open here and runs elsewhere', async () => {
    const job = await database.current.add(waitingJob());
    const opened = (await registry.openClaimed(job))!;
    expect(await channels()).toEqual([]);
    const needed = await registry.open(job.id);
    expect(needed).toBe(opened);
    await eventually(async () => expect(await channels()).toEqual([`comfyui:0:events:${job.id}`]));
    opened.release();
    them.publish({ job: later(job) });
    await eventually(() => expect(needed?.job.revision).toBe(later(job).revision));
    needed?.release();
    await eventually(async () => expect(await channels()).toEqual([]));
  });

  it('is subscribed to also when it was just being read', async () => {
    const job = await database.current.add(waitingJob());
    const opening = registry.open(job.id);
    const opened = (await registry.openClaimed(job))!;
    expect(await opening).toBe(opened);
    await eventually(async () => expect(await channels()).toEqual([`comfyui:0:events:${job.id}`]), 1_000);
    for (let holds = 0; holds < 2; holds += 1) opened.release();
  });

  it('is not subscribed to while it runs here', async () => {
    const session = (await registry.open((await database.current.add(waitingJob())).id))!;
    await eventually(async () => expect(await channels()).toHaveLength(1));
    registry.beginRun(session);
    await eventually(async () => expect(await channels()).toEqual([]));
    registry.endRun(session);
    await eventually(async () => expect(await channels()).toHaveLength(1));
    session.release();
  });

  it('is read from the database when it is too large for a message', async () => {
    const job = await database.current.add(waitingJob());
    const session = (await registry.open(job.id))!;
    await eventually(async () => expect(await channels()).toHaveLength(1));
    const stored = { ...later(job), texts: hugeJob().texts };
    await database.current.jobs.save(stored, job.fencingToken);
    them.publish({ job: stored });
    await eventually(() => expect(session.job.revision).toBe(stored.revision));
    session.release();
  });

  it('has the bytes of a published file where they will be needed', async () => {
    const [stored, job] = [randomFile(1_000), await database.current.add(waitingJob())];
    await place.storage.put(stored, NEVER);
    const { sha256, sizeBytes, mediaType } = stored;
    const file = { ...collected(), sha256, sizeBytes, mediaType };
    const session = (await registry.open(job.id))!;
    await eventually(async () => expect(await channels()).toHaveLength(1));
    them.publishFile(job.id, file);
    them.publish({ job: later(job) });
    await eventually(() => expect(session.job.revision).toBe(later(job).revision));
    expect(session.holdsBytesOf(file)).toBe(false);
    session.needsBytes = true;
    them.publishFile(job.id, { ...file, sha256: 'f'.repeat(64) });
    const open = jest.spyOn(place.storage, 'open');
    them.publishFile(job.id, file);
    await eventually(() => expect(open).toHaveBeenCalledWith(file.sha256, expect.anything()), 2_000);
    await files.hold(session, file, NEVER);
    expect(session.holdsBytesOf(file)).toBe(true);
    expect(open.mock.calls.filter(([key]) => key === sha256)).toHaveLength(1);
    expect((await session.bytesOf(file).read(0, 1_000)).equals(stored.bytes)).toBe(true);
    session.release();
  });

  it('is read from the database when it is open already', async () => {
    const job = await database.current.add(waitingJob());
    const known = await registry.open(job.id);
    const stored = { ...later(job), priority: 7 };
    await database.current.jobs.save(stored, job.fencingToken);
    const opened = await registry.openStored(job.id);
    expect(opened).toBe(known);
    expect(opened?.job.revision).toBe(stored.revision);
    for (const session of [known, opened]) session?.release();
  });
});
