import type { Kysely, RawBuilder } from 'kysely';
import type { JobEntry } from '../../application/jobs/job-repository';
import type { Lease } from '../../application/backends/lease-repository';
import type { Job } from '../../domain/job/job';
import { writeWorkflow } from '../../domain/workflow/workflow-text';
import { type JobRow, newRow } from './job-rows';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Transaction } from './statements';
import type { Tables, WorkflowsTable } from './tables';

type HandedRow = JobRow & { readonly leased: Lease['backend']; readonly epoch: Lease['epoch'] };

/** A job that is added to PostgreSQL while nobody waits, without an answer in between. */
export class FirstJob {
  readonly #insert = new PreparedQuery(insertFirst);
  readonly #insertHanded = new PreparedQuery(insertFirstHanded);
  readonly #insertWorkflow = new PreparedQuery(insertWorkflow);

  /**
   * For a transaction in which nobody else adds one; answered only after its commit.
   * @returns the job as it was kept; undefined when somebody waits after all, its time has been used, or its server is another
   * process's by now: then nothing was
   */
  async send(transaction: Transaction, { job, handed, workflow }: JobEntry): Promise<Job | undefined> {
    const lease = handed?.lease;
    const kept = lease ? handed.job : job;
    const row = newRow(kept, job.queuedAt * 1000);
    const inserted = lease
      ? this.#insertHanded.run(transaction, { ...row, leased: lease.backend, epoch: lease.epoch })
      : this.#insert.run(transaction, row);
    this.#insertWorkflow.send(transaction, { job_id: job.id, workflow: writeWorkflow(workflow) });
    const { numAffectedRows = 0n } = await inserted;
    return numAffectedRows > 0n ? kept : undefined;
  }
}

function insertFirst(kysely: Kysely<Tables>, row: Placeholders<JobRow>) {
  return kysely.insertInto('jobs').columns(namesOf(row)).expression(first(kysely, row));
}

function insertFirstHanded(kysely: Kysely<Tables>, { leased, epoch, ...row }: Placeholders<HandedRow>) {
  const lease = heldLease(kysely, { backend: leased, epoch });
  return kysely
    .insertInto('jobs')
    .columns(namesOf(row))
    .expression(first(kysely, row).where((is) => is.exists(lease)));
}

/** Whoever takes it over waits until this transaction is done. */
export function heldLease(kysely: Kysely<Tables>, { backend, epoch }: Placeholders<Lease>) {
  return kysely
    .selectFrom('leases')
    .select('epoch')
    .where('backend', '=', backend)
    .where('epoch', '=', epoch)
    .forShare();
}

/** The row, if nobody waits and it comes behind all others. */
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
