import { AssetFiles } from '../../src/application/assets/asset-files';
import { BackendPool } from '../../src/application/backends/backend-pool';
import { ShutdownState } from '../../src/application/maintenance/shutdown-state';
import { JobWriter } from '../../src/application/jobs/job-writer';
import { JobSync } from '../../src/application/jobs/job-sync';
import { JobRegistry } from '../../src/application/jobs/job-registry';
import { ProcessRole } from '../../src/application/execution/process-role';
import { WorkBell } from '../../src/application/execution/work-bell';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { TemporaryFiles } from '../../src/infrastructure/temp-files/temporary-files';
import { NEVER, randomFile } from '../storage/files';
import { inFolder, type StoragePlace } from '../storage/places';
import { collected } from '../support/collected';
import { waitingJob, WORKFLOW } from '../store/jobs';
import { freshDatabase } from '../store/opened';
import { inMemory } from '../store/places';
import { eventually } from '../support/eventually';
import { describeWithServer, onRedis, RedisServer } from './redis-server';
import { later } from './snapshots';

describeWithServer('a job that another process told of', () => {
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
    const { store, backlog } = database.current;
    const shutdownState = new ShutdownState();
    files = new AssetFiles(place.storage, database.current.files, new TemporaryFiles({ memory: 1_000_000 }));
    const sync = new JobSync(us, backlog, files, new ProcessRole('all', false), shutdownState);
    registry = new JobRegistry(store, new JobWriter(store, new BackendPool([], new WorkBell()), shutdownState), sync);
  });

  afterEach(async () => {
    await Promise.all([us, them].map((news) => news.onApplicationShutdown()));
    await server.remove();
    await place.remove();
  });

  const listeners = () => onRedis(server.url, (redis) => redis.pubsub('CHANNELS', '*:news:*'));

  it('is listened to only when somebody here needs it, and it runs elsewhere', async () => {
    const job = await database.current.add(waitingJob());
    const told = (await registry.openTold({ job, workflow: WORKFLOW }))!;
    expect(await listeners()).toEqual([]);
    const needed = await registry.open(job.id);
    expect(needed).toBe(told);
    await eventually(async () => expect(await listeners()).toEqual([`comfyui:0:news:${job.id}`]));
    told.release();
    them.tell({ job: later(job) });
    await eventually(() => expect(needed?.job.revision).toBe(later(job).revision));
    needed?.release();
    await eventually(async () => expect(await listeners()).toEqual([]));
  });

  it('is listened to also when somebody was just reading it', async () => {
    const job = await database.current.add(waitingJob());
    const opening = registry.open(job.id);
    const told = (await registry.openTold({ job, workflow: WORKFLOW }))!;
    expect(await opening).toBe(told);
    await eventually(async () => expect(await listeners()).toEqual([`comfyui:0:news:${job.id}`]), 1_000);
    for (let holds = 0; holds < 2; holds += 1) told.release();
  });

  it('has the bytes of a file when it is told of it, where they will be needed', async () => {
    const [stored, job] = [randomFile(1_000), await database.current.add(waitingJob())];
    await place.storage.put(stored, NEVER);
    const { sha256, sizeBytes, mediaType } = stored;
    const file = { ...collected(), sha256, sizeBytes, mediaType };
    const session = (await registry.open(job.id))!;
    await eventually(async () => expect(await listeners()).toHaveLength(1));
    them.foretell(job.id, file);
    them.tell({ job: later(job) });
    await eventually(() => expect(session.job.revision).toBe(later(job).revision));
    expect(session.holdsBytesOf(file)).toBe(false);
    session.needsBytes = true;
    them.foretell(job.id, { ...file, sha256: 'f'.repeat(64) });
    const open = jest.spyOn(place.storage, 'open');
    them.foretell(job.id, file);
    await eventually(() => expect(open).toHaveBeenCalledWith(file.sha256, expect.anything()), 2_000);
    await files.hold(session, file, NEVER);
    expect(session.holdsBytesOf(file)).toBe(true);
    expect(open.mock.calls.filter(([key]) => key === sha256)).toHaveLength(1);
    expect((await session.bytesOf(file).read(0, 1_000)).equals(stored.bytes)).toBe(true);
    session.release();
  });

  it('is read when it is known here already, by what is stored', async () => {
    const job = await database.current.add(waitingJob());
    const known = await registry.open(job.id);
    const stored = { ...later(job), priority: 7 };
    await database.current.store.save(stored, job.fencingToken);
    const told = await registry.openTold({ job, workflow: WORKFLOW });
    expect(told).toBe(known);
    expect(told?.job.revision).toBe(stored.revision);
    for (const session of [known, told]) session?.release();
  });
});
