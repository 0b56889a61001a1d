import { Logger } from '@nestjs/common';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { eventually } from '../support/eventually';
import { channelsSubscribed, describeWithServer, onRedis, RedisServer } from '../support/redis-server';
import { later, latestOf, randomPreview, receiving, receivingAsProcess, runningJob } from './snapshots';

const GARBAGE = [
  '',
  '\n',
  'x',
  'null',
  '[]',
  '{}',
  '{"version":2}',
  '{"version":2,"kind":"snapshot","job":{}}',
  '{"version":2,"kind":"file","file":{}}',
  '{"version":2,"kind":"cancellation","jobId":"x"}',
  '{"version":1,"kind":"work"}',
  '{"version":2,"kind":"unknown"}',
  '\u0000\u0001',
  '{'.repeat(50_000),
  '['.repeat(50_000) + '1234567890123456',
];

describeWithServer('A RedisEventBus', () => {
  let server: RedisServer;
  let one: RedisEventBus;
  let other: RedisEventBus;
  let logged: string[];

  beforeEach(async () => {
    logged = [];
    for (const level of ['log', 'warn', 'error'] as const)
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((...[line]: unknown[]) => void logged.push(`${level}: ${String(line)}`));
    server = await RedisServer.start();
    [one, other] = await Promise.all([open(), open()]);
  });

  afterEach(async () => {
    await Promise.all([one, other].map((bus) => bus.onApplicationShutdown()));
    await server.remove();
    jest.restoreAllMocks();
  });

  const open = () => RedisEventBus.open({ redisUrl: server.url });
  const subscribed = ([id]: readonly [string]) => channelsSubscribed(server.url, [`comfyui:0:events:${id}`]);

  it('ignores messages that it does not understand', async () => {
    const [job, another] = [runningJob(), runningJob()];
    const { snapshots, files, changes } = receiving(other, job);
    const { work, cancellations } = receivingAsProcess(other);
    await subscribed([job.id]);
    one.publish({ job: another, preview: randomPreview(10) });
    await eventually(async () => expect(await latestOf(one, another)).toBeDefined());
    await onRedis(server.url, async (redis) => {
      const line = (await redis.get(`comfyui:0:job:${another.id}`)) ?? '';
      const broken = Object.keys(another).flatMap((field) =>
        [null, {}, 'x', -1.5, [null]]
          .map((value) => ({
            version: 2,
            kind: 'snapshot',
            job: { ...JSON.parse(line.replaceAll(another.id, job.id)).job, [field]: value },
          }))
          .map((message) => JSON.stringify(message)),
      );
      const newer = line.replaceAll(another.id, job.id).replace('"version":2', '"version":3');
      for (const text of [...GARBAGE, line, newer]) {
        await redis.publish(`comfyui:0:events:${job.id}`, text);
        await redis.publish('comfyui:0:processes', text);
        await redis.publish('comfyui:0:processes', `sender ${text}`);
        await redis.set(`comfyui:0:job:${job.id}`, text);
        expect(await latestOf(other, job)).toBeUndefined();
      }
      for (const text of broken) await redis.publish(`comfyui:0:events:${job.id}`, text);
      await redis.del(`comfyui:0:job:${job.id}`);
      await redis.lpush(`comfyui:0:job:${job.id}`, 'x');
      expect(await latestOf(other, job)).toBeUndefined();
      await redis.set(`comfyui:0:preview:${another.id}`, 'of another\npicture');
      expect(await latestOf(other, another)).toEqual({ job: another });
    });
    const before = snapshots.length;
    one.publish({ job: later(job) });
    await eventually(() => expect(snapshots.at(-1)).toEqual({ job: later(job) }));
    // Null and texts are valid as a label, an address or a time; any other change makes a job invalid.
    expect(snapshots.slice(0, before).every((snapshot) => typeof snapshot.job.progress.value === 'number')).toBe(true);
    expect(before).toBeLessThan(15);
    expect([files, changes, work, cancellations, logged]).toEqual([[], [], [], [], []]);
  });

  it('delivers snapshots also when the memory of Redis is full, and logs it once', async () => {
    const job = runningJob();
    const { snapshots } = receiving(other, job);
    await subscribed([job.id]);
    await onRedis(server.url, (redis) => redis.config('SET', 'maxmemory', '1'));
    for (const by of [0, 1, 2]) {
      one.publish({ job: later(job, by) });
      await eventually(() => expect(snapshots).toHaveLength(by + 1));
    }
    expect(logged).toEqual([expect.stringMatching(/^warn: Redis at 127.0.0.1:\d+ refuses job events: OOM/)]);
  });
});
