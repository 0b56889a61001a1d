import type * as BullMQ from 'bullmq';
import type * as IORedis from 'ioredis';
import { loadPeer } from '../load-peer';

export interface BullLibraries {
  readonly bullmq: typeof BullMQ;
  readonly ioredis: typeof IORedis;
}

/** @throws ComfyUIError `storage_failed` that says what to install */
export function loadBullMQ(): BullLibraries {
  const load = (): BullLibraries => ({
    bullmq: require('bullmq') as typeof BullMQ,
    ioredis: require('ioredis') as typeof IORedis,
  });
  return loadPeer(load, 'The queue on Redis', 'bullmq ioredis');
}
