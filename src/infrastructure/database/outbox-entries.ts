import type { OutboxEntry } from '../../application/outbox/outbox-repository';
import type { Job } from '../../domain/job/job';
import type { Transaction } from './statements';

const ENDED: OutboxEntry['event'] = 'ended';

/** Adds the end of a job to the outbox, once per consumer, in the transaction that writes the end. */
export function addOutboxEntries(transaction: Transaction, { id, revision }: Job, consumers: readonly string[]): void {
  const entry = { revision, attempts: 0, next_at: Date.now() };
  const rows = consumers.map((consumer) => ({ job_id: id, event: ENDED, consumer, ...entry }));
  const query = transaction.kysely
    .insertInto('outbox')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['job_id', 'event', 'consumer']).doUpdateSet(entry));
  transaction.send(query.compile());
}
