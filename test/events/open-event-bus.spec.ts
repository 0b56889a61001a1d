import { Logger } from '@nestjs/common';
import { NoopEventBus } from '../../src/infrastructure/event-bus/noop-event-bus';
import { openEventBus } from '../../src/infrastructure/event-bus/open-event-bus';
import { PostgresEventBus } from '../../src/infrastructure/event-bus/postgres/postgres-event-bus';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { receiving, receivingAsProcess, runningJob } from './snapshots';

/** Nothing listens there: a bus opens also without its server. */
const URLS = { databaseUrl: 'postgres://127.0.0.1:1/none', redisUrl: 'redis://127.0.0.1:1' };

beforeEach(() => jest.spyOn(Logger.prototype, 'warn').mockReturnValue());
afterEach(() => jest.restoreAllMocks());

it.each([
  ['Redis where there is one', URLS, RedisEventBus],
  ['PostgreSQL without a Redis', { databaseUrl: URLS.databaseUrl }, PostgresEventBus],
  ['nothing with an embedded database', {}, NoopEventBus],
])('the event bus uses %s', async (_, options, kind) => {
  const bus = await openEventBus(options);
  expect(bus).toBeInstanceOf(kind);
  await bus.onApplicationShutdown();
});

it('the bus of a single process delivers nothing', async () => {
  const [bus, job] = [new NoopEventBus(), runningJob()];
  const [received, process] = [receiving(bus, job), receivingAsProcess(bus)];
  bus.publish();
  bus.publishFile();
  bus.publishWork();
  bus.publishCancellation();
  received.unsubscribe();
  expect(await bus.latest([job.id])).toEqual([undefined]);
  expect({ ...received, ...process }).toMatchObject({ snapshots: [], files: [], changes: [], work: [] });
});
