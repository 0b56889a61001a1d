import type { Kysely, RawBuilder } from 'kysely';
import type { Lease } from '../../application/backends/lease-repository';
import type { JobEntry } from '../../application/jobs/job-repository';
import type { Job } from '../../domain/job/job';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import { type JobRow, newRow } from './job-rows';
import { heldLease } from './leases';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Transaction } from './statements';
import type { Tables, WorkflowsTable } from './tables';

type AssignedRow = JobRow & { readonly leased: Lease['backend']; readonly epoch: Lease['epoch'] };

/** Adds a job to an empty queue in PostgreSQL, in one round trip: the statement checks that the queue is empty. */
export class FirstJobInsert {
  readonly #insert = new PreparedQuery(insertFirst);
  readonly #insertAssigned = new PreparedQuery(insertFirstAssigned);
  readonly #insertWorkflow = new PreparedQuery(insertWorkflow);

  /**
   * For a transaction that holds the lock of additions.
   * @returns the job as stored; undefined when a job waits, its `queue_order` is used or the lease is lost: then nothing is
   * written. Settles with the commit
   */
  async send(transaction: Transaction, { job, assigned, workflow }: JobEntry): Promise<Job | undefined> {
    const lease = assigned?.lease;
    const stored = lease ? assigned.job : job;
    const row = newRow(stored, job.queuedAt * 1000);
    const inserted = lease
      ? this.#insertAssigned.run(transaction, { ...row, leased: lease.backend, epoch: lease.epoch })
      : this.#insert.run(transaction, row);
    this.#insertWorkflow.send(transaction, { job_id: job.id, workflow: writeWorkflow(workflow) });
    const { numAffectedRows = 0n } = await inserted;
    return numAffectedRows > 0n ? stored : undefined;
  }
}

function insertFirst(kysely: Kysely<Tables>, row: Placeholders<JobRow>) {
  return kysely.insertInto('jobs').columns(namesOf(row)).expression(first(kysely, row));
}

function insertFirstAssigned(kysely: Kysely<Tables>, { leased, epoch, ...row }: Placeholders<AssignedRow>) {
  const lease = heldLease(kysely, { backend: leased, epoch });
  return kysely
    .insertInto('jobs')
    .columns(namesOf(row))
    .expression(first(kysely, row).where((is) => is.exists(lease)));
}

/** The row, if no job waits and its `queue_order` is the highest. */
function first(kysely: Kysely<Tables>, row: Placeholders<JobRow>) {
  const jobs = kysely.selectFrom('jobs').select('id');
  return kysely
    .selectNoFrom(Object.entries<RawBuilder<unknown>>(row).map(([name, value]) => value.as(name)))
    .where((is) => is.not(is.exists(jobs.where('backend', 'is', null).where('ended_at', 'is', null))))
    .where((is) => is.not(is.exists(jobs.where('queue_order', '>=', row.queue_order))));
}

function insertWorkflow(kysely: Kysely<Tables>, { job_id, workflow }: Placeholders<WorkflowsTable>) {
  const job = kysely
    .selectFrom('jobs')
    .select(['id', workflow.as('workflow')])
    .where('id', '=', job_id);
  return kysely.insertInto('workflows').columns(['job_id', 'workflow']).expression(job);
}

function namesOf(row: Placeholders<JobRow>): (keyof JobRow)[] {
  return Object.keys(row) as (keyof JobRow)[];
}
