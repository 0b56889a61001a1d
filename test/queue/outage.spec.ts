import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { BullQueueConnection } from '../../src/infrastructure/queue/bull-queue-connection';
import { waitingJob } from '../store/jobs';
import { eventually } from '../support/eventually';
import { describeOnRedis, onRedis, RedisServer } from './redis-server';

const FAILED = { code: 'storage_failed' };

describeOnRedis('a queue whose Redis fails', () => {
  let server: RedisServer;
  let connection: BullQueueConnection;
  let other: BullQueueConnection;
  let logged: string[];
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);

  beforeEach(async () => {
    logged = [];
    for (const level of ['log', 'warn', 'error'] as const)
      jest.spyOn(Logger.prototype, level).mockImplementation((...told: unknown[]) => void logged.push(String(told[0])));
    process.on('unhandledRejection', onUnhandled);
    server = await RedisServer.start();
    connection = await BullQueueConnection.open({ redisUrl: server.url });
    other = await BullQueueConnection.open({ redisUrl: server.url });
  });

  afterEach(async () => {
    await Promise.all([connection.onApplicationShutdown(), other.onApplicationShutdown()]);
    await server.remove();
    await setTimeout(20);
    process.off('unhandledRejection', onUnhandled);
    jest.restoreAllMocks();
    if (unhandled.length > 0) throw new Error('a rejection was not handled', { cause: unhandled.splice(0) });
  });

  const settings = (...values: string[]) => onRedis(server.url, (client) => client.config('SET', ...values));

  async function timed(act: Promise<unknown>): Promise<number> {
    const before = performance.now();
    await act;
    return performance.now() - before;
  }

  /** Why a call was rejected; it may take no longer than 5 s over it. */
  async function refusal(call: Promise<unknown>): Promise<unknown> {
    let error: unknown;
    const ms = await timed(call.catch((reason: unknown) => (error = reason)));
    return ms < 5_500 ? error : `too late, after ${ms} ms: ${String(error)}`;
  }

  it('works on after it was flushed, with tickets in hand', async () => {
    const jobs = [waitingJob(), waitingJob(), waitingJob()];
    await connection.queue.offer(jobs);
    const [first, second] = [await connection.queue.next([]), await connection.queue.next([])];
    await onRedis(server.url, (client) => client.flushall());
    await onRedis(server.url, (client) => client.script('FLUSH'));
    await connection.queue.settle(first!);
    await connection.queue.putBack(second!);
    expect(await connection.queue.tickets()).toBe(0);
    await other.queue.offer(jobs);
    expect(await connection.queue.tickets()).toBe(3);
    for (const { id } of jobs) expect(await connection.queue.next([])).toMatchObject({ jobId: id });
  });

  it('waits for a short restart', async () => {
    const job = waitingJob();
    await server.kill();
    const offer = connection.queue.offer([job]);
    await setTimeout(300);
    await server.again();
    await offer;
    expect(await connection.queue.next([])).toMatchObject({ jobId: job.id });
  });

  it('rejects while it is away, and works again by itself, with its bell', async () => {
    let rings = 0;
    other.queue.onOffer(() => (rings += 1));
    const jobs = [waitingJob(), waitingJob()];
    await connection.queue.offer(jobs);
    const ticket = (await connection.queue.next([]))!;
    await server.kill();
    const { queue } = connection;
    const calls = [queue.offer(jobs), queue.next([]), queue.tickets(), queue.settle(ticket), other.queue.next([])];
    const refusals = await Promise.all(calls.map(refusal));
    for (const error of refusals) expect(error).toMatchObject({ ...FAILED, message: 'Redis can not be reached.' });
    await setTimeout(2_500);
    const before = rings;
    await server.again();
    await eventually(() => expect(rings).toBe(before + 1));
    await queue.offer(jobs);
    await eventually(() => expect(rings).toBe(before + 2), 1_000);
    expect(await other.queue.next([])).toMatchObject({ jobId: jobs[0]!.id });
    // Each of the two queues.
    await eventually(() => expect(logged.filter((line) => line === 'Redis is back')).toHaveLength(2));
    expect(logged.filter((line) => /ECONNREFUSED/.test(line))).toHaveLength(2);
    expect(logged.length).toBeLessThanOrEqual(6);
  });

  it('gives up what gets no answer, and takes no tickets by it', async () => {
    const jobs = [waitingJob(), waitingJob(), waitingJob()];
    await connection.queue.offer(jobs);
    server.freeze();
    for (let i = 0; i < 2; i += 1) expect(await refusal(connection.queue.next([]))).toMatchObject(FAILED);
    server.thaw();
    await eventually(async () => expect(await connection.queue.tickets()).toBe(3));
    // The one asked for before it was known; it comes back in the end.
    expect(await onRedis(server.url, (client) => client.llen('comfyui:tickets:active'))).toBeLessThanOrEqual(1);
    const taken = new Set<string>();
    await eventually(async () => {
      taken.add((await connection.queue.next([]))?.jobId ?? '');
      for (const { id } of jobs) expect(taken).toContain(id);
    }, 15_000);
  });

  it('says that it is full, and works on when it is not', async () => {
    await settings('maxmemory', '1mb');
    const jobs = Array.from({ length: 20 }, () => waitingJob());
    const message = 'Redis has no memory left (OOM).';
    await expect(connection.queue.offer(jobs)).rejects.toMatchObject({ ...FAILED, message });
    await settings('maxmemory', '0');
    await connection.queue.offer(jobs);
    expect(await other.queue.tickets()).toBe(20);
  });

  it('is waited for while it loads its data', async () => {
    const job = waitingJob();
    await onRedis(server.url, async (client) => {
      for (let i = 0; i < 1_000; i += 1) client.set(`key-${i}`, i).catch(() => undefined);
      await client.save();
    });
    await server.kill();
    const started = server.again('--key-load-delay', '4000', '--loading-process-events-interval-bytes', '1024');
    expect(await refusal(connection.queue.offer([job]))).toMatchObject(FAILED);
    await started;
    await eventually(() => connection.queue.offer([job]));
    expect(await connection.queue.next([])).toMatchObject({ jobId: job.id });
  });

  it('is closed within a second also when it is away, or does not answer', async () => {
    await connection.queue.offer([waitingJob(), waitingJob()]);
    await connection.queue.next([]);
    await other.queue.next([]);
    server.freeze();
    expect(await timed(connection.onApplicationShutdown())).toBeLessThan(1_000);
    server.thaw();
    await server.kill();
    expect(await timed(other.onApplicationShutdown())).toBeLessThan(1_000);
  });

  it('rejects what is under way when it is closed', async () => {
    server.freeze();
    const call = refusal(connection.queue.next([]));
    await connection.onApplicationShutdown();
    expect(await timed(call)).toBeLessThan(1_000);
    expect(await call).toMatchObject(FAILED);
    server.thaw();
  });
});
