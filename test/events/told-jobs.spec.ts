import { AssetFiles } from '../../src/application/assets/asset-files';
import { BackendPool } from '../../src/application/backends/backend-pool';
import { Draining } from '../../src/application/draining';
import { JobRecorder } from '../../src/application/job-recorder';
import { JobSharing } from '../../src/application/job-sharing';
import { LiveJobs } from '../../src/application/live-jobs';
import { ProcessRole } from '../../src/application/process-role';
import { WorkBell } from '../../src/application/work-bell';
import { RedisJobNews } from '../../src/infrastructure/events/redis-job-news';
import { TemporarySpool } from '../../src/infrastructure/spool/temporary-spool';
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
  let us: RedisJobNews;
  let them: RedisJobNews;
  let lives: LiveJobs;
  let place: StoragePlace;
  let files: AssetFiles;

  beforeEach(async () => {
    place = await inFolder();
    server = await RedisServer.start();
    [us, them] = [await RedisJobNews.open({ redisUrl: server.url }), await RedisJobNews.open({ redisUrl: server.url })];
    const { store, backlog } = database.current;
    const draining = new Draining();
    files = new AssetFiles(place.storage, database.current.files, new TemporarySpool({ memory: 1_000_000 }));
    const sharing = new JobSharing(us, backlog, files, new ProcessRole('all', false), draining);
    lives = new LiveJobs(store, new JobRecorder(store, new BackendPool([], new WorkBell()), draining), sharing);
  });

  afterEach(async () => {
    await Promise.all([us, them].map((news) => news.onApplicationShutdown()));
    await server.remove();
    await place.remove();
  });

  const listeners = () => onRedis(server.url, (redis) => redis.pubsub('CHANNELS', '*:news:*'));

  it('is listened to only when somebody here needs it, and it runs elsewhere', async () => {
    const job = await database.current.add(waitingJob());
    const told = (await lives.openTold({ job, workflow: WORKFLOW }))!;
    expect(await listeners()).toEqual([]);
    const needed = await lives.open(job.id);
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
    const opening = lives.open(job.id);
    const told = (await lives.openTold({ job, workflow: WORKFLOW }))!;
    expect(await opening).toBe(told);
    await eventually(async () => expect(await listeners()).toEqual([`comfyui:0:news:${job.id}`]), 1_000);
    for (let holds = 0; holds < 2; holds += 1) told.release();
  });

  it('has the bytes of a file when it is told of it, where they will be needed', async () => {
    const [stored, job] = [randomFile(1_000), await database.current.add(waitingJob())];
    await place.storage.put(stored, NEVER);
    const { sha256, sizeBytes, mediaType } = stored;
    const file = { ...collected(), sha256, sizeBytes, mediaType };
    const live = (await lives.open(job.id))!;
    await eventually(async () => expect(await listeners()).toHaveLength(1));
    them.foretell(job.id, file);
    them.tell({ job: later(job) });
    await eventually(() => expect(live.job.revision).toBe(later(job).revision));
    expect(live.holdsBytesOf(file)).toBe(false);
    live.needsBytes = true;
    them.foretell(job.id, { ...file, sha256: 'f'.repeat(64) });
    const open = jest.spyOn(place.storage, 'open');
    them.foretell(job.id, file);
    await eventually(() => expect(open).toHaveBeenCalledWith(file.sha256, expect.anything()), 2_000);
    await files.hold(live, file, NEVER);
    expect(live.holdsBytesOf(file)).toBe(true);
    expect(open.mock.calls.filter(([key]) => key === sha256)).toHaveLength(1);
    expect((await live.bytesOf(file).read(0, 1_000)).equals(stored.bytes)).toBe(true);
    live.release();
  });

  it('is read when it is known here already, by what is stored', async () => {
    const job = await database.current.add(waitingJob());
    const known = await lives.open(job.id);
    const stored = { ...later(job), priority: 7 };
    await database.current.store.save(stored, job.placement);
    const told = await lives.openTold({ job, workflow: WORKFLOW });
    expect(told).toBe(known);
    expect(told?.job.revision).toBe(stored.revision);
    for (const live of [known, told]) live?.release();
  });
});
