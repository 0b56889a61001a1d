import { Logger } from '@nestjs/common';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { eventually } from '../support/eventually';
import { describeWithServer, onRedis, RedisServer, subscribed } from './redis-server';
import { hearing, later, latestOf, picture, runningJob } from './snapshots';

const GARBAGE = [
  '',
  '\n',
  'x',
  'null',
  '[]',
  '{}',
  '{"version":2}',
  '{"version":1,"job":{}}',
  '\u0000\u0001',
  '{'.repeat(50_000),
  '['.repeat(50_000) + '1234567890123456',
];

describeWithServer('News when Redis', () => {
  let server: RedisServer;
  let me: RedisEventBus;
  let you: RedisEventBus;
  let logged: string[];

  beforeEach(async () => {
    logged = [];
    for (const level of ['log', 'warn', 'error'] as const)
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((...[line]: unknown[]) => void logged.push(`${level}: ${String(line)}`));
    server = await RedisServer.start();
    [me, you] = await Promise.all([open(), open()]);
  });

  afterEach(async () => {
    await Promise.all([me, you].map((news) => news.onApplicationShutdown()));
    await server.remove();
    jest.restoreAllMocks();
  });

  const open = () => RedisEventBus.open({ redisUrl: server.url });
  const listened = ([id]: readonly [string]) => subscribed(server.url, [`comfyui:0:news:${id}`]);

  it('carries garbage, it is left out', async () => {
    const [job, other] = [runningJob(), runningJob()];
    const { heard } = hearing(you, job);
    const preferences: string[] = [];
    you.onCancel((id) => preferences.push(id));
    await listened([job.id]);
    me.tell({ job: other, preview: picture(10) });
    await eventually(async () => expect(await latestOf(me, other)).toBeDefined());
    await onRedis(server.url, async (redis) => {
      const line = (await redis.get(`comfyui:0:job:${other.id}`)) ?? '';
      const broken = Object.keys(other).flatMap((field) =>
        [null, {}, 'x', -1.5, [null]]
          .map((value) => ({
            version: 1,
            job: { ...JSON.parse(line.replaceAll(other.id, job.id)).job, [field]: value },
          }))
          .map((note) => JSON.stringify(note)),
      );
      const newer = line.replaceAll(other.id, job.id).replace('"version":1', '"version":2');
      for (const text of [...GARBAGE, line, newer]) {
        await redis.publish(`comfyui:0:news:${job.id}`, text);
        await redis.publish('comfyui:0:cancel', text);
        await redis.set(`comfyui:0:job:${job.id}`, text);
        expect(await latestOf(you, job)).toBeUndefined();
      }
      for (const text of broken) await redis.publish(`comfyui:0:news:${job.id}`, text);
      await redis.del(`comfyui:0:job:${job.id}`);
      await redis.lpush(`comfyui:0:job:${job.id}`, 'x');
      expect(await latestOf(you, job)).toBeUndefined();
      await redis.set(`comfyui:0:preview:${other.id}`, 'of another\npicture');
      expect(await latestOf(you, other)).toEqual({ job: other });
    });
    const before = heard.length;
    me.tell({ job: later(job) });
    await eventually(() => expect(heard.at(-1)).toEqual({ job: later(job) }));
    // Null and texts are what a label, an address and a time may be; nothing else got through.
    expect(heard.slice(0, before).every((snapshot) => typeof snapshot.job.progress.value === 'number')).toBe(true);
    expect(before).toBeLessThan(15);
    expect([preferences, logged]).toEqual([[], []]);
  });

  it('is full, news still come, and the log hears of it once', async () => {
    const job = runningJob();
    const { heard } = hearing(you, job);
    await listened([job.id]);
    await onRedis(server.url, (redis) => redis.config('SET', 'maxmemory', '1'));
    for (const by of [0, 1, 2]) {
      me.tell({ job: later(job, by) });
      await eventually(() => expect(heard).toHaveLength(by + 1));
    }
    expect(logged).toEqual([expect.stringMatching(/^warn: Redis at 127.0.0.1:\d+ refuses news of jobs: OOM/)]);
  });
});
