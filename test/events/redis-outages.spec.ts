import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { eventually } from '../support/eventually';
import { HalfWire } from './half-wire';
import { describeWithServer, onRedis, RedisServer, subscribed } from './redis-server';
import { hashed, hearing, later, latestOf, picture, runningJob } from './snapshots';

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
    server.thaw();
    await Promise.all([me, you].map((news) => news.onApplicationShutdown()));
    await server.remove();
    jest.restoreAllMocks();
  });

  const open = () => RedisEventBus.open({ redisUrl: server.url });
  const listened = (ids: readonly string[]) =>
    subscribed(
      server.url,
      ids.map((id) => `comfyui:0:news:${id}`),
    );
  const isAway = () => eventually(() => expect(logged).toHaveLength(2), 15_000);
  const isBack = () => eventually(() => expect(logged).toHaveLength(4), 15_000);
  const ms = async (act: () => Promise<unknown>) => {
    const before = performance.now();
    await act();
    return performance.now() - before;
  };

  it('restarts go on by themselves, with what was missed', async () => {
    const jobs = Array.from({ length: 20 }, runningJob);
    const all = jobs.map((job) => hearing(you, job));
    const preferences: string[] = [];
    you.onCancel((id) => preferences.push(id));
    await listened(jobs.map(({ id }) => id));
    const preview = picture();
    for (const job of jobs) me.tell({ job, preview });
    await eventually(() => expect(all.every(({ heard }) => heard.length === 1)).toBe(true));

    await server.kill();
    await isAway();
    for (const job of jobs) for (const by of [1, 2]) me.tell({ job: later(job, by), preview });
    await server.run();

    const last = jobs.map((job) => ({ job: later(job, 2), preview }));
    await eventually(() => expect(all.map(({ heard }) => heard.at(-1)?.job)).toEqual(last.map(({ job }) => job)));
    // Who heard the picture has it anyway.
    expect((await me.latest(jobs.map(({ id }) => id))).map(hashed)).toEqual(last.map(hashed));
    await subscribed(server.url, ['comfyui:0:cancel']);
    me.askToCancel(jobs[0]!.id);
    await eventually(() => expect(preferences).toEqual([jobs[0]!.id]));
    await isBack();
    const [away, back] = [
      /^warn: Redis at 127\.0\.0\.1:\d+ can not be reached/,
      /^log: Redis at 127\.0\.0\.1:\d+ is back/,
    ];
    expect(logged.toSorted()).toEqual([back, back, away, away].map((line) => expect.stringMatching(line)));
  });

  it('restarts while news are told go on without end or error', async () => {
    const job = runningJob();
    const { heard } = hearing(you, job);
    let by = 0;
    const context = setInterval(() => me.tell({ job: later(job, (by += 1)), preview: picture(1_000) }), 1);
    for (let i = 0; i < 3; i += 1) {
      await setTimeout(300);
      await server.kill();
      await setTimeout(100);
      await server.run();
    }
    const { length } = heard;
    await eventually(() => expect(heard.length).toBeGreaterThan(length));
    clearInterval(context);
    await eventually(() => expect(heard.at(-1)?.job.revision).toBe(job.revision + by));
  });

  it('lets go of who listens, brings what was told meanwhile', async () => {
    const jobs = Array.from({ length: 450 }, runningJob);
    for (const job of jobs) me.tell({ job });
    await eventually(async () => expect(await you.latest(jobs.map(({ id }) => id))).not.toContain(undefined));
    const all = jobs.map((job) => hearing(you, job));
    await listened(jobs.map(({ id }) => id));
    expect(all.flatMap(({ heard }) => heard)).toEqual([]);
    await onRedis(server.url, (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await eventually(() => expect(all.filter(({ heard }) => heard.length !== 1)).toHaveLength(0));
    expect(all.map(({ heard }) => heard)).toEqual(jobs.map((job) => [{ job }]));
    await listened(jobs.map(({ id }) => id));
  });

  it('is away takes no time, and of the thousands told meanwhile the last are told', async () => {
    await server.kill();
    await isAway();
    const jobs = Array.from({ length: 3_000 }, runningJob);
    const { heard } = hearing(you, jobs.at(-1)!);
    const took = await ms(async () => {
      for (const job of jobs) me.tell({ job });
      me.askToCancel(jobs[0]!.id);
      expect(await latestOf(me, jobs[0]!)).toBeUndefined();
      hearing(me, jobs[0]!).stop();
    });
    expect(took).toBeLessThan(500);
    await server.run();
    await eventually(() => expect(heard).toEqual([{ job: jobs.at(-1) }]), 15_000);
    await eventually(async () => {
      const known = (await you.latest(jobs.map(({ id }) => id))).map((snapshot) => snapshot !== undefined);
      expect(known).toEqual(jobs.map((_, index) => index >= 2_000));
    });
  });

  it('freezes for a while, holds up nobody and fills no memory', async () => {
    const jobs = Array.from({ length: 100 }, runningJob);
    const last = jobs.at(-1)!;
    const { heard } = hearing(you, last);
    await listened([last.id]);
    const image = picture(300_000);
    const memory = process.memoryUsage().arrayBuffers;
    server.freeze();
    for (let by = 0; by < 50; by += 1) {
      for (const job of jobs) me.tell({ job: later(job, by), preview: { ...image } });
      await setTimeout(5);
    }
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(80_000_000);
    expect(await ms(async () => expect(await latestOf(me, last)).toBeUndefined())).toBeLessThan(1_500);
    server.thaw();
    await eventually(() => expect(heard.at(-1)?.job).toEqual(later(last, 49)));
    expect(heard.length).toBeLessThan(5);
    expect(heard.at(-1)?.preview?.image.equals(image.image)).toBe(true);
    expect(logged).toEqual([]);
  });

  it('freezes for long, is given up, and heard again when it thaws', async () => {
    const job = runningJob();
    const { heard } = hearing(you, job);
    await listened([job.id]);
    server.freeze();
    me.tell({ job });
    await isAway();
    expect(await ms(() => latestOf(me, job))).toBeLessThan(100);
    await setTimeout(3_000);
    server.thaw();
    await eventually(() => expect(heard.at(-1)).toEqual({ job }), 15_000);
    await isBack();
    me.tell({ job: later(job) });
    await eventually(() => expect(heard.at(-1)).toEqual({ job: later(job) }));
  });

  it('dies with news on their way, they are told again', async () => {
    const job = runningJob();
    const { heard } = hearing(you, job);
    await listened([job.id]);
    server.freeze();
    me.tell({ job });
    await setTimeout(50);
    await server.kill();
    await server.run();
    await eventually(() => expect(heard.at(-1)).toEqual({ job }));
  });

  it('is behind a wire that is half closed, is given up without haste', async () => {
    const wire = await HalfWire.to(server.port);
    const far = await RedisEventBus.open({ redisUrl: wire.url });
    const jobs = Array.from({ length: 100 }, runningJob);
    wire.standStill();
    // More than the buffers of the system take, so that the connection does not close by itself.
    for (const job of jobs.slice(0, 20)) far.tell({ job, preview: picture(300_000) });
    await setTimeout(50);
    wire.halfClose();
    await setTimeout(50);
    for (const job of jobs) far.tell({ job: later(job) });
    await eventually(async () => expect(await you.latest(jobs.map(({ id }) => id))).not.toContain(undefined), 15_000);
    await far.onApplicationShutdown();
    await wire.close();
  });

  it('is away at the start keeps nobody from starting', async () => {
    await server.kill();
    await isAway();
    let early!: RedisEventBus;
    expect(await ms(async () => (early = await open()))).toBeLessThan(500);
    expect(logged.filter((line) => line.includes('ECONNREFUSED')).length).toBeGreaterThan(0);
    expect(logged).toHaveLength(3);
    const job = runningJob();
    const { heard } = hearing(early, job);
    await server.run();
    await listened([job.id]);
    me.tell({ job });
    await eventually(() => expect(heard).toEqual([{ job }]));
    await early.onApplicationShutdown();
  });

  it('says nothing at the start keeps nobody from starting', async () => {
    server.freeze();
    let early!: RedisEventBus;
    expect(await ms(async () => (early = await open()))).toBeLessThan(1_500);
    expect(logged).toEqual([expect.stringContaining('(no answer)')]);
    server.thaw();
    const job = runningJob();
    early.tell({ job });
    await eventually(async () => expect(await latestOf(early, job)).toEqual({ job }));
    await early.onApplicationShutdown();
  });

  it('is there, what was told last is sent before one leaves', async () => {
    const leaving = await open();
    const jobs = Array.from({ length: 40 }, runningJob);
    const all = jobs.map((job) => hearing(you, job));
    await listened(jobs.map(({ id }) => id));
    for (const job of jobs) leaving.tell({ job });
    expect(await ms(() => leaving.onApplicationShutdown())).toBeLessThan(1_000);
    await eventually(() => expect(all.map(({ heard }) => heard)).toEqual(jobs.map((job) => [{ job }])));
  });

  it.each(['frozen', 'away'])('is %s, leaving takes less than a second', async (state) => {
    const leaving = await open();
    const job = runningJob();
    if (state === 'frozen') server.freeze();
    else await server.kill();
    leaving.tell({ job });
    expect(await ms(() => leaving.onApplicationShutdown())).toBeLessThan(1_000);
    leaving.tell({ job: later(job) });
    leaving.askToCancel(job.id);
    leaving.listen(job.id, () => undefined)();
    expect(await latestOf(leaving, job)).toBeUndefined();
  });
});
