import { openEventBus } from '../../src/infrastructure/event-bus/open-event-bus';
import { eventually } from '../support/eventually';
import { latestOf, runningJob } from './snapshots';

/**
 * Publishes a job, work and a cancellation, as another process does that starts with other certificates; prints the revision of
 * the last snapshot that the bus then keeps.
 */
async function main([option = '', url = '', id = '']: readonly string[]): Promise<void> {
  const bus = await openEventBus({ [option]: url });
  const job = { ...runningJob(), id };
  bus.publish({ job });
  bus.publishWork();
  bus.publishCancellation(id);
  if (option === 'redisUrl')
    await eventually(async () => {
      if (!(await latestOf(bus, job))) throw new Error('the job is not published');
    });
  console.log(JSON.stringify({ revision: (await latestOf(bus, job))?.job.revision }));
  await bus.onApplicationShutdown();
}

void main(process.argv.slice(2));
