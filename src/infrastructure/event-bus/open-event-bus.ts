import type { OnApplicationShutdown } from '@nestjs/common';
import type { JobEventBus } from '../../application/jobs/job-event-bus';
import { NoopEventBus } from './noop-event-bus';
import { PostgresEventBus } from './postgres/postgres-event-bus';
import { RedisEventBus } from './redis/redis-event-bus';

export interface EventBusOptions {
  readonly redisUrl?: string;
  readonly databaseUrl?: string;
}

/**
 * Redis where there is one; else the PostgreSQL of the jobs; an embedded database serves one process, which needs no bus.
 * Resolves also while the server is unreachable.
 * @throws ComfyUIError `storage_failed` for an invalid URL or a missing package
 */
export async function openEventBus(options: EventBusOptions): Promise<JobEventBus & OnApplicationShutdown> {
  const { redisUrl, databaseUrl } = options;
  if (redisUrl !== undefined) return RedisEventBus.open({ redisUrl });
  if (databaseUrl !== undefined) return PostgresEventBus.open({ databaseUrl });
  return new NoopEventBus();
}
