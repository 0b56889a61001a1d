import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { runningJob } from './snapshots';

/** Tells of a job, as another process does that was started with other certificates; prints what it then knows of it. */
async function main([redisUrl = '']: readonly string[]): Promise<void> {
  const news = await RedisEventBus.open({ redisUrl });
  const job = runningJob();
  news.tell({ job });
  const deadline = Date.now() + 5_000;
  let [latest] = await news.latest([job.id]);
  while (!latest && Date.now() < deadline) [latest] = await news.latest([job.id]);
  console.log(JSON.stringify({ id: job.id, revision: latest?.job.revision }));
  await news.onApplicationShutdown();
}

void main(process.argv.slice(2));
