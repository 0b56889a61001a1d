import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { collected } from '../support/collected';
import { eventually } from '../support/eventually';
import { FaultProxy } from '../support/fault-proxy';
import { channelsSubscribed, describeWithServer, onRedis, RedisServer } from '../support/redis-server';
import { hashed, later, latestOf, randomPreview, receiving, receivingAsProcess, runningJob } from './snapshots';

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
    server.thaw();
    await Promise.all([one, other].map((bus) => bus.onApplicationShutdown()));
    await server.remove();
    jest.restoreAllMocks();
  });

  const open = () => RedisEventBus.open({ redisUrl: server.url });
  const subscribed = (ids: readonly string[]) =>
    channelsSubscribed(
      server.url,
      ids.map((id) => `comfyui:0:events:${id}`),
    );
  const isDown = () => eventually(() => expect(logged).toHaveLength(2), 15_000);
  const isUp = () => eventually(() => expect(logged).toHaveLength(4), 15_000);
  const ms = async (act: () => Promise<unknown>) => {
    const before = performance.now();
    await act();
    return performance.now() - before;
  };

  it('continues after a restart of Redis, with the snapshots that were not delivered', async () => {
    const jobs = Array.from({ length: 20 }, runningJob);
    const all = jobs.map((job) => receiving(other, job));
    const { cancellations } = receivingAsProcess(other);
    await subscribed(jobs.map(({ id }) => id));
    const preview = randomPreview();
    for (const job of jobs) one.publish({ job, preview });
    await eventually(() => expect(all.every(({ snapshots }) => snapshots.length === 1)).toBe(true));

    await server.kill();
    await isDown();
    for (const job of jobs) for (const by of [1, 2]) one.publish({ job: later(job, by), preview });
    await server.run();

    const last = jobs.map((job) => ({ job: later(job, 2), preview }));
    await eventually(() =>
      expect(all.map(({ snapshots }) => snapshots.at(-1)?.job)).toEqual(last.map(({ job }) => job)),
    );
    // Another process has the preview already.
    expect((await one.latest(jobs.map(({ id }) => id))).map(hashed)).toEqual(last.map(hashed));
    await channelsSubscribed(server.url, ['comfyui:0:processes']);
    one.publishCancellation(jobs[0]!.id);
    await eventually(() => expect(cancellations).toEqual([jobs[0]!.id]));
    await isUp();
    const [down, up] = [
      /^warn: Redis at 127\.0\.0\.1:\d+ cannot be reached/,
      /^log: Redis at 127\.0\.0\.1:\d+ is back/,
    ];
    expect(logged.toSorted()).toEqual([up, up, down, down].map((line) => expect.stringMatching(line)));
  });

  it('continues after restarts of Redis while it publishes', async () => {
    const job = runningJob();
    const { snapshots } = receiving(other, job);
    let by = 0;
    const publishing = setInterval(() => one.publish({ job: later(job, (by += 1)), preview: randomPreview(1_000) }), 1);
    for (let i = 0; i < 3; i += 1) {
      await setTimeout(300);
      await server.kill();
      await setTimeout(100);
      await server.run();
    }
    const { length } = snapshots;
    await eventually(() => expect(snapshots.length).toBeGreaterThan(length));
    clearInterval(publishing);
    await eventually(() => expect(snapshots.at(-1)?.job.revision).toBe(job.revision + by));
  });

  it('delivers the last snapshots after its subscriptions were cut, each once', async () => {
    const jobs = Array.from({ length: 450 }, runningJob);
    for (const job of jobs) one.publish({ job });
    await eventually(async () => expect(await other.latest(jobs.map(({ id }) => id))).not.toContain(undefined));
    const all = jobs.map((job) => receiving(other, job));
    await subscribed(jobs.map(({ id }) => id));
    expect(all.flatMap(({ snapshots }) => snapshots)).toEqual([]);
    await onRedis(server.url, (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await eventually(() => expect(all.filter(({ snapshots }) => snapshots.length !== 1)).toHaveLength(0));
    expect(all.map(({ snapshots }) => snapshots)).toEqual(jobs.map((job) => [{ job }]));
    await subscribed(jobs.map(({ id }) => id));

    const unknown = receiving(other, runningJob());
    await onRedis(server.url, (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await eventually(() => expect(unknown.changes).toHaveLength(1));
    expect(all.map(({ snapshots }) => snapshots)).toEqual(jobs.map((job) => [{ job }]));
  });

  it('reports work, and a change of each job without a snapshot, after a restart of Redis', async () => {
    const [job, unknown] = [runningJob(), runningJob()];
    const [received, nothing] = [receiving(other, job), receiving(other, unknown)];
    const { work } = receivingAsProcess(other);
    await subscribed([job.id, unknown.id]);
    await server.kill();
    await isDown();
    one.publish({ job });
    await server.run();
    await eventually(() => expect(nothing.changes).toEqual([unknown.id]), 15_000);
    await eventually(() => expect(received.snapshots).toEqual([{ job }]));
    expect(work.length).toBeGreaterThan(0);
    expect(nothing.snapshots).toEqual([]);
  });

  it('publishes without delay while Redis is down, and the last thousand jobs when it is back', async () => {
    await server.kill();
    await isDown();
    const jobs = Array.from({ length: 3_000 }, runningJob);
    const { snapshots } = receiving(other, jobs.at(-1)!);
    const took = await ms(async () => {
      for (const job of jobs) one.publish({ job });
      one.publishCancellation(jobs[0]!.id);
      expect(await latestOf(one, jobs[0]!)).toBeUndefined();
      receiving(one, jobs[0]!).unsubscribe();
    });
    expect(took).toBeLessThan(500);
    await server.run();
    await eventually(() => expect(snapshots).toEqual([{ job: jobs.at(-1) }]), 15_000);
    await eventually(async () => {
      const known = (await other.latest(jobs.map(({ id }) => id))).map((snapshot) => snapshot !== undefined);
      expect(known).toEqual(jobs.map((_, index) => index >= 2_000));
    });
  });

  it('keeps little in memory while Redis is frozen for a short time', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    const last = jobs.at(-1)!;
    const { snapshots } = receiving(other, last);
    await subscribed([last.id]);
    const image = randomPreview(300_000);
    const memory = process.memoryUsage().arrayBuffers;
    server.freeze();
    for (let by = 0; by < 50; by += 1) {
      for (const job of jobs) one.publish({ job: later(job, by), preview: { ...image } });
      await setTimeout(5);
    }
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(80_000_000);
    expect(await ms(async () => expect(await latestOf(one, last)).toBeUndefined())).toBeLessThan(1_500);
    server.thaw();
    await eventually(() => expect(snapshots.at(-1)?.job).toEqual(later(last, 49)));
    expect(snapshots.length).toBeLessThan(5);
    expect(snapshots.at(-1)?.preview?.image.equals(image.image)).toBe(true);
    expect(logged).toEqual([]);
  });

  it('reconnects after Redis was frozen for a long time', async () => {
    const job = runningJob();
    const { snapshots } = receiving(other, job);
    await subscribed([job.id]);
    server.freeze();
    one.publish({ job });
    await isDown();
    expect(await ms(() => latestOf(one, job))).toBeLessThan(100);
    await setTimeout(3_000);
    server.thaw();
    await eventually(() => expect(snapshots.at(-1)).toEqual({ job }), 15_000);
    await isUp();
    one.publish({ job: later(job) });
    await eventually(() => expect(snapshots.at(-1)).toEqual({ job: later(job) }));
  });

  it('publishes again what Redis had not processed when it crashed', async () => {
    const job = runningJob();
    const { snapshots } = receiving(other, job);
    await subscribed([job.id]);
    server.freeze();
    one.publish({ job });
    await setTimeout(50);
    await server.kill();
    await server.run();
    await eventually(() => expect(snapshots.at(-1)).toEqual({ job }));
  });

  it('reconnects when a connection is half closed and unresponsive', async () => {
    const proxy = await FaultProxy.to(server.url);
    const far = await RedisEventBus.open({ redisUrl: proxy.url });
    const jobs = Array.from({ length: 100 }, runningJob);
    proxy.hold();
    // More than the buffers of the system take, so that the connection does not close by itself.
    for (const job of jobs.slice(0, 20)) far.publish({ job, preview: randomPreview(300_000) });
    await setTimeout(50);
    proxy.halfClose();
    await setTimeout(50);
    for (const job of jobs) far.publish({ job: later(job) });
    await eventually(async () => expect(await other.latest(jobs.map(({ id }) => id))).not.toContain(undefined), 15_000);
    await far.onApplicationShutdown();
    await proxy.close();
  });

  it('starts while Redis is down', async () => {
    await server.kill();
    await isDown();
    let early!: RedisEventBus;
    expect(await ms(async () => (early = await open()))).toBeLessThan(500);
    expect(logged.filter((line) => line.includes('ECONNREFUSED')).length).toBeGreaterThan(0);
    expect(logged).toHaveLength(3);
    const job = runningJob();
    const { snapshots } = receiving(early, job);
    await server.run();
    await subscribed([job.id]);
    one.publish({ job });
    await eventually(() => expect(snapshots).toEqual([{ job }]));
    await early.onApplicationShutdown();
  });

  it('starts while Redis does not respond', async () => {
    server.freeze();
    let early!: RedisEventBus;
    expect(await ms(async () => (early = await open()))).toBeLessThan(1_500);
    expect(logged).toEqual([expect.stringContaining('(no response)')]);
    server.thaw();
    const job = runningJob();
    early.publish({ job });
    await eventually(async () => expect(await latestOf(early, job)).toEqual({ job }));
    await early.onApplicationShutdown();
  });

  it('sends the last snapshots before it closes', async () => {
    const leaving = await open();
    const jobs = Array.from({ length: 40 }, runningJob);
    const all = jobs.map((job) => receiving(other, job));
    await subscribed(jobs.map(({ id }) => id));
    for (const job of jobs) leaving.publish({ job });
    expect(await ms(() => leaving.onApplicationShutdown())).toBeLessThan(1_000);
    await eventually(() => expect(all.map(({ snapshots }) => snapshots)).toEqual(jobs.map((job) => [{ job }])));
  });

  it.each(['frozen', 'down'])('closes in less than a second while Redis is %s', async (state) => {
    const leaving = await open();
    const job = runningJob();
    if (state === 'frozen') server.freeze();
    else await server.kill();
    leaving.publish({ job });
    expect(await ms(() => leaving.onApplicationShutdown())).toBeLessThan(1_000);
    leaving.publish({ job: later(job) });
    leaving.publishCancellation(job.id);
    receiving(leaving, job).unsubscribe();
    leaving.publishWork();
    leaving.publishFile(job.id, collected());
    expect(await latestOf(leaving, job)).toBeUndefined();
  });
});
