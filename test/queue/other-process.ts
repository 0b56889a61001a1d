import { BullQueueConnection } from '../../src/infrastructure/queue/bull-queue-connection';

/** A process that takes a ticket and does nothing with it, until it is killed. It tells `{ jobId }`, or `{ error }`. */
async function main([redisUrl = '']: readonly string[]): Promise<void> {
  const tell = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
  try {
    const { queue } = await BullQueueConnection.open({ redisUrl });
    tell({ jobId: (await queue.next([]))?.jobId });
    setInterval(() => undefined, 1_000);
  } catch (error) {
    tell({ error: (error as Error).message });
  }
}

void main(process.argv.slice(2));
