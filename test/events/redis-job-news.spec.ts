import { setTimeout } from 'node:timers/promises';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { eventually } from '../support/eventually';
import { describeJobNews } from './job-news.contract';
import { describeWithServer, onRedis, RedisServer, subscribed } from './redis-server';
import { hashed, hearing, later, latestOf, picture, runningJob } from './snapshots';

const { TEST_REDIS_URL } = process.env;

if (TEST_REDIS_URL) describeRedis(`${TEST_REDIS_URL.replace(/\/\d*$/, '')}/7`);
else if (process.env.CI) {
  it('finds a Redis server to be tested on', () => expect(TEST_REDIS_URL).toBeDefined());
} else {
  console.warn('NOTHING is tested on Redis: run `export $(.ci/redis start)` first.');
  it.todo('works on Redis');
}

function describeRedis(redisUrl: string): void {
  describe('RedisJobNews', () => {
    describeJobNews(async () => {
      const [me, you] = await Promise.all([RedisEventBus.open({ redisUrl }), RedisEventBus.open({ redisUrl })]);
      const close = async () => void (await Promise.all([me, you].map((news) => news.onApplicationShutdown())));
      return { me, you, listened: (ids) => listenedAt(redisUrl, ids), close };
    });
  });
}

function listenedAt(url: string, ids: readonly string[]): Promise<void> {
  return subscribed(
    url,
    ids.map((id) => `comfyui:7:news:${id}`),
  );
}

describeWithServer('In Redis', () => {
  let server: RedisServer;
  let redisUrl: string;
  let news: RedisEventBus;

  beforeAll(async () => {
    server = await RedisServer.start();
    redisUrl = `${server.url}/7`;
  });

  afterAll(() => server.remove());

  beforeEach(async () => {
    news = await RedisEventBus.open({ redisUrl });
  });

  afterEach(() => news.onApplicationShutdown());

  const listened = (ids: readonly string[]) => listenedAt(redisUrl, ids);

  const bytesToRedis = () =>
    onRedis(redisUrl, async (redis) => Number(/total_net_input_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]));

  it('a picture travels once, whatever else is told with it', async () => {
    const [job, preview] = [runningJob(), picture(1_000_000)];
    const before = await bytesToRedis();
    for (let by = 0; by < 20; by += 1) {
      news.tell({ job: later(job, by), preview });
      await eventually(async () => expect((await latestOf(news, job))?.job).toEqual(later(job, by)));
    }
    const sent = (await bytesToRedis()) - before;
    // Once for those who listen, once for those who ask.
    expect(sent).toBeGreaterThan(2_000_000);
    expect(sent).toBeLessThan(2_400_000);
    expect((await latestOf(news, job))?.preview?.image.equals(preview.image)).toBe(true);
  });

  it('nothing is told twice that is the same', async () => {
    const job = runningJob();
    const { heard } = hearing(news, job);
    await listened([job.id]);
    for (let i = 0; i < 5; i += 1) {
      news.tell({ job: { ...job } });
      await eventually(() => expect(heard.length).toBeGreaterThan(0));
      await setTimeout(20);
    }
    expect(heard).toHaveLength(1);
  });

  it('all is kept for a while only, under names with the number of the database', async () => {
    const job = runningJob();
    news.tell({ job, preview: picture() });
    await eventually(async () => expect((await latestOf(news, job))?.preview).toBeDefined());
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

  it('a picture is kept as long as the job it belongs to', async () => {
    const [job, preview] = [runningJob(), picture()];
    const key = `comfyui:7:preview:${job.id}`;
    news.tell({ job, preview });
    await eventually(async () => expect((await latestOf(news, job))?.preview).toBeDefined());
    await onRedis(redisUrl, async (redis) => {
      await redis.pexpire(key, 5_000);
      news.tell({ job: later(job), preview });
      await eventually(async () => expect(await redis.pttl(key)).toBeGreaterThan(30_000));
      news.tell({ job: { ...later(job, 2), status: 'failed' }, preview });
      await eventually(async () => expect(await redis.exists(key)).toBe(0));
    });
  });

  it('nothing is left subscribed to when nobody listens', async () => {
    const job = runningJob();
    const channel = `comfyui:7:news:${job.id}`;
    const listeners = Array.from({ length: 3 }, () => hearing(news, job));
    await listened([job.id]);
    await onRedis(redisUrl, async (redis) => {
      for (const { stop } of listeners) {
        expect(await redis.pubsub('NUMSUB', channel)).toEqual([channel, 1]);
        stop();
      }
      await eventually(async () => expect(await redis.pubsub('NUMSUB', channel)).toEqual([channel, 0]));
    });
  });

  it('a flush is survived: the next news bring what is missing', async () => {
    const [job, preview] = [runningJob(), picture()];
    const { heard } = hearing(news, job);
    await listened([job.id]);
    news.tell({ job, preview });
    await eventually(() => expect(heard).toHaveLength(1));
    await onRedis(redisUrl, (redis) => redis.flushdb());
    expect(await latestOf(news, job)).toBeUndefined();
    for (const by of [1, 2]) {
      news.tell({ job: later(job, by), preview });
      await eventually(() => expect(heard).toHaveLength(by + 1));
      expect(hashed(heard.at(-1))).toStrictEqual(hashed({ job: later(job, by), preview }));
    }
    const other = await RedisEventBus.open({ redisUrl });
    expect(hashed(await latestOf(other, job))).toStrictEqual(hashed({ job: later(job, 2), preview }));
    await other.onApplicationShutdown();
  });

  it('two deployments are apart by their databases', async () => {
    const job = runningJob();
    const other = await RedisEventBus.open({ redisUrl: redisUrl.replace(/\d+$/, '8') });
    const preferences: string[] = [];
    const { heard } = hearing(other, job);
    other.onCancel((id) => preferences.push(id));
    await subscribed(redisUrl, [`comfyui:8:news:${job.id}`, 'comfyui:8:cancel']);
    news.tell({ job });
    news.askToCancel(job.id);
    await eventually(async () => expect(await latestOf(news, job)).toBeDefined());
    await setTimeout(100);
    expect([await latestOf(other, job), heard, preferences]).toEqual([undefined, [], []]);
    await other.onApplicationShutdown();
  });

  it('an answer counts that came while the process was held up', async () => {
    const job = runningJob();
    news.tell({ job });
    await eventually(async () => expect(await latestOf(news, job)).toBeDefined());
    const latest = latestOf(news, job);
    const end = Date.now() + 1_500;
    while (Date.now() < end);
    expect(await latest).toEqual({ job });
  });

  it('a job too large to be told of is left to the store', async () => {
    const [job, huge] = [runningJob(), 'x'.repeat(5_000_000)];
    news.tell({ job: { ...job, texts: [{ nodeId: '1', text: huge }] } });
    await setTimeout(100);
    expect(await latestOf(news, job)).toBeUndefined();
    news.tell({ job: later(job) });
    await eventually(async () => expect(await latestOf(news, job)).toEqual({ job: later(job) }));
  });
});
