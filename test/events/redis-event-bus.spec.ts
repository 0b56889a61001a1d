import { setTimeout } from 'node:timers/promises';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { eventually } from '../support/eventually';
import { channelsSubscribed, describeWithServer, onRedis, RedisServer } from '../support/redis-server';
import { onServer } from '../rpc/on-server';
import { describeJobEventBus, type TwoBuses } from './job-event-bus.contract';
import { describeLatest } from './latest.contract';
import {
  hashed,
  hugeJob,
  later,
  latestOf,
  randomPreview,
  receiving,
  receivingAsProcess,
  runningJob,
} from './snapshots';

onServer('TEST_REDIS_URL', 'Redis', '.ci/redis', (url) => {
  const redisUrl = `${url.replace(/\/\d*$/, '')}/7`;
  const open = async (): Promise<TwoBuses> => {
    const [one, other] = await Promise.all([RedisEventBus.open({ redisUrl }), RedisEventBus.open({ redisUrl })]);
    const close = async () => void (await Promise.all([one, other].map((bus) => bus.onApplicationShutdown())));
    return { one, other, server: ['redisUrl', redisUrl], subscribed: (ids) => subscribedAt(redisUrl, ids), close };
  };

  describe('RedisEventBus', () => {
    describeJobEventBus(open);
    describeLatest(open);
  });
});

function subscribedAt(url: string, ids: readonly string[]): Promise<void> {
  return channelsSubscribed(
    url,
    ids.map((id) => `comfyui:7:events:${id}`),
  );
}

describeWithServer('A RedisEventBus', () => {
  let server: RedisServer;
  let redisUrl: string;
  let bus: RedisEventBus;

  beforeAll(async () => {
    server = await RedisServer.start();
    redisUrl = `${server.url}/7`;
  });

  afterAll(() => server.remove());

  beforeEach(async () => {
    bus = await RedisEventBus.open({ redisUrl });
  });

  afterEach(() => bus.onApplicationShutdown());

  const subscribed = (ids: readonly string[]) => subscribedAt(redisUrl, ids);

  const bytesToRedis = () =>
    onRedis(redisUrl, async (redis) => Number(/total_net_input_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]));

  it('sends a preview once, whatever else changes with it', async () => {
    const [job, preview] = [runningJob(), randomPreview(1_000_000)];
    const before = await bytesToRedis();
    for (let by = 0; by < 20; by += 1) {
      bus.publish({ job: later(job, by), preview });
      await eventually(async () => expect((await latestOf(bus, job))?.job).toEqual(later(job, by)));
    }
    const sent = (await bytesToRedis()) - before;
    // Once to the channel, once to the key.
    expect(sent).toBeGreaterThan(2_000_000);
    expect(sent).toBeLessThan(2_400_000);
    expect((await latestOf(bus, job))?.preview?.image.equals(preview.image)).toBe(true);
  });

  it('sends the same snapshot once', async () => {
    const job = runningJob();
    const { snapshots } = receiving(bus, job);
    await subscribed([job.id]);
    for (let i = 0; i < 5; i += 1) {
      bus.publish({ job: { ...job } });
      await eventually(() => expect(snapshots.length).toBeGreaterThan(0));
      await setTimeout(20);
    }
    expect(snapshots).toHaveLength(1);
  });

  it('keeps snapshots for a time, under keys with the number of the database', async () => {
    const job = runningJob();
    bus.publish({ job, preview: randomPreview() });
    await eventually(async () => expect((await latestOf(bus, job))?.preview).toBeDefined());
    await onRedis(redisUrl, async (redis) => {
      const keys = (await redis.keys('*')).filter((key) => key.endsWith(job.id));
      expect(keys.toSorted()).toEqual([`comfyui:7:job:${job.id}`, `comfyui:7:preview:${job.id}`]);
      for (const key of keys) {
        const ms = await redis.pttl(key);
        expect(ms).toBeGreaterThan(30_000);
        expect(ms).toBeLessThanOrEqual(60_000);
      }
    });
  });

  it('keeps a preview as long as the snapshot of its job', async () => {
    const [job, preview] = [runningJob(), randomPreview()];
    const key = `comfyui:7:preview:${job.id}`;
    bus.publish({ job, preview });
    await eventually(async () => expect((await latestOf(bus, job))?.preview).toBeDefined());
    await onRedis(redisUrl, async (redis) => {
      await redis.pexpire(key, 5_000);
      bus.publish({ job: later(job), preview });
      await eventually(async () => expect(await redis.pttl(key)).toBeGreaterThan(30_000));
      bus.publish({ job: { ...later(job, 2), status: 'failed' }, preview });
      await eventually(async () => expect(await redis.exists(key)).toBe(0));
    });
  });

  it('subscribes to the channel of a job while the job has a subscriber', async () => {
    const job = runningJob();
    const channel = `comfyui:7:events:${job.id}`;
    const subscriptions = Array.from({ length: 3 }, () => receiving(bus, job));
    await subscribed([job.id]);
    await onRedis(redisUrl, async (redis) => {
      for (const { unsubscribe } of subscriptions) {
        expect(await redis.pubsub('NUMSUB', channel)).toEqual([channel, 1]);
        unsubscribe();
      }
      await eventually(async () => expect(await redis.pubsub('NUMSUB', channel)).toEqual([channel, 0]));
    });
  });

  it('completes what a flush of Redis removed with the next snapshot', async () => {
    const [job, preview] = [runningJob(), randomPreview()];
    const { snapshots } = receiving(bus, job);
    await subscribed([job.id]);
    bus.publish({ job, preview });
    await eventually(() => expect(snapshots).toHaveLength(1));
    await onRedis(redisUrl, (redis) => redis.flushdb());
    expect(await latestOf(bus, job)).toBeUndefined();
    for (const by of [1, 2]) {
      bus.publish({ job: later(job, by), preview });
      await eventually(() => expect(snapshots).toHaveLength(by + 1));
      expect(hashed(snapshots.at(-1))).toStrictEqual(hashed({ job: later(job, by), preview }));
    }
    const other = await RedisEventBus.open({ redisUrl });
    expect(hashed(await latestOf(other, job))).toStrictEqual(hashed({ job: later(job, 2), preview }));
    await other.onApplicationShutdown();
  });

  it('keeps deployments on two databases of one Redis apart', async () => {
    const job = runningJob();
    const other = await RedisEventBus.open({ redisUrl: redisUrl.replace(/\d+$/, '8') });
    const { snapshots } = receiving(other, job);
    const { work, cancellations } = receivingAsProcess(other);
    await channelsSubscribed(redisUrl, [`comfyui:8:events:${job.id}`, 'comfyui:8:processes']);
    bus.publish({ job });
    bus.publishWork();
    bus.publishCancellation(job.id);
    await eventually(async () => expect(await latestOf(bus, job)).toBeDefined());
    other.publish({ job: later(job) });
    await eventually(() => expect(snapshots).toEqual([{ job: later(job) }]));
    expect([work, cancellations]).toEqual([[], []]);
    await other.onApplicationShutdown();
  });

  it('uses a reply that arrived while the process was blocked', async () => {
    const job = runningJob();
    bus.publish({ job });
    await eventually(async () => expect(await latestOf(bus, job)).toBeDefined());
    const latest = latestOf(bus, job);
    const end = Date.now() + 1_500;
    while (Date.now() < end);
    expect(await latest).toEqual({ job });
  });

  it('keeps no snapshot of a job that became too large', async () => {
    const job = hugeJob();
    const { changes } = receiving(bus, job);
    await subscribed([job.id]);
    bus.publish({ job: { ...job, texts: [] } });
    await eventually(async () => expect(await latestOf(bus, job)).toBeDefined());
    bus.publish({ job: later(job) });
    await eventually(() => expect(changes).toEqual([job.id]));
    expect(await latestOf(bus, job)).toBeUndefined();
    bus.publish({ job: { ...later(job, 2), texts: [] } });
    await eventually(async () => expect((await latestOf(bus, job))?.job.revision).toBe(later(job, 2).revision));
  });
});
