import { Logger } from '@nestjs/common';
import type { Job } from '../../src/domain/job/job';
import { BullQueueConnection } from '../../src/infrastructure/queue/bull-queue-connection';
import { OutageQueue } from '../../src/infrastructure/queue/outage-queue';
import { waitingJob } from '../store/jobs';
import { freshDatabase } from '../store/opened';
import { inMemory } from '../store/places';
import { eventually } from '../support/eventually';
import { describeOnRedis, onRedis, RedisServer } from './redis-server';

describeOnRedis('a queue of tickets beside the waiting jobs', () => {
  const database = freshDatabase(inMemory);
  let server: RedisServer;
  let connection: BullQueueConnection;
  let queue: OutageQueue;
  let first: Job;
  let second: Job;

  beforeEach(async () => {
    for (const level of ['log', 'warn'] as const) jest.spyOn(Logger.prototype, level).mockImplementation();
    server = await RedisServer.start();
    connection = await BullQueueConnection.open({ redisUrl: server.url });
    queue = new OutageQueue(connection.queue, database.current.queue);
    first = await database.current.add(waitingJob({ queuedAt: 1 }));
    second = await database.current.add(waitingJob({ queuedAt: 2 }));
  });

  afterEach(async () => {
    await connection.onApplicationShutdown();
    await server.remove();
    jest.restoreAllMocks();
  });

  it('goes by the tickets while Redis is there', async () => {
    expect(await queue.next([])).toBeUndefined();
    await queue.offer([second]);
    const ticket = (await queue.next([]))!;
    expect(ticket.jobId).toBe(second.id);
    await queue.settle(ticket);
    expect(await queue.tickets()).toBe(0);
  });

  it('goes by the waiting jobs while it is away, and by the tickets again when it is back', async () => {
    await queue.offer([second]);
    await server.kill();
    const ticket = await eventually(async () => {
      const next = (await queue.next([]))!;
      expect(next.jobId).toBe(first.id);
      return next;
    });
    await queue.settle(ticket);
    await queue.putBack(ticket);
    expect(await queue.next([ticket.requirementsKey])).toBeUndefined();
    await server.again();
    await eventually(async () => expect(await queue.tickets()).toBe(0));
    await queue.offer([second]);
    expect(await queue.next([])).toMatchObject({ jobId: second.id });
  });

  it('goes by the waiting jobs while Redis refuses', async () => {
    await queue.offer([second]);
    await onRedis(server.url, (client) => client.call('ACL', 'SETUSER', 'default', '-evalsha', '-eval'));
    expect(await queue.next([])).toMatchObject({ jobId: first.id });
  });
});
