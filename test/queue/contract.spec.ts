import { BullQueueConnection } from '../../src/infrastructure/queue/bull-queue-connection';
import { describeJobQueue } from '../store/job-queue.contract';
import { freshDatabase } from '../store/opened';
import { inMemory } from '../store/places';
import { describeOnRedis, onRedis, redisUrl } from './redis-server';

describeOnRedis('the queue on BullMQ', () => {
  const url = redisUrl(11);
  const database = freshDatabase(inMemory);
  let one: BullQueueConnection;
  let other: BullQueueConnection;

  beforeEach(async () => {
    await onRedis(url, (client) => client.flushdb());
    [one, other] = await Promise.all([
      BullQueueConnection.open({ redisUrl: url }),
      BullQueueConnection.open({ redisUrl: url }),
    ]);
  });

  afterEach(async () => {
    await Promise.all([one.onApplicationShutdown(), other.onApplicationShutdown()]);
  });

  describeJobQueue(() => ({ opened: database.current, queue: one.queue, other: other.queue }));
});
