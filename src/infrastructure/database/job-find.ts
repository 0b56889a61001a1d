import type { ExpressionBuilder, Kysely } from 'kysely';
import type { QueuedJob, StoredJob } from '../../application/jobs/job-repository';
import type { Job } from '../../domain/job/job';
import { readWorkflow } from '../../domain/workflow/workflow-text';
import { isJobId } from '../job-id';
import type { Database } from './database';
import { JOB_COLUMNS, toJob } from './job-rows';
import { type Placeholders, PreparedQuery } from './prepared-query';
import type { Tables } from './tables';
import { waitingJobs } from './waiting-jobs';

interface ById {
  readonly id: string;
}

/** Reads single jobs. */
export class JobFind {
  readonly #job = new PreparedQuery(jobById);
  readonly #withPosition = new PreparedQuery(withPosition);
  readonly #withWorkflow = new PreparedQuery(withWorkflow);

  constructor(private readonly database: Database) {}

  async job(id: string): Promise<Job | undefined> {
    if (!isJobId(id)) return undefined;
    const [row] = (await this.#job.run(this.database.statements, { id })).rows;
    return row && toJob(row);
  }

  async withPosition(id: string): Promise<QueuedJob | undefined> {
    if (!isJobId(id)) return undefined;
    const [row] = (await this.#withPosition.run(this.database.statements, { id })).rows;
    return row && { job: toJob(row), ahead: row.ahead ?? undefined };
  }

  async withWorkflow(id: string): Promise<(QueuedJob & StoredJob) | undefined> {
    if (!isJobId(id)) return undefined;
    const [row] = (await this.#withWorkflow.run(this.database.statements, { id })).rows;
    return row && { job: toJob(row), ahead: row.ahead ?? undefined, workflow: readWorkflow(row.workflow) };
  }
}

/** How many wait before each of these jobs, by `queue_order`; in one pass over the queue, read off its index. */
export async function positionsOf(kysely: Kysely<Tables>, orders: readonly number[]): Promise<Map<number, number>> {
  if (orders.length === 0) return new Map();
  const queue = waitingJobs(kysely)
    .select([
      'queue_order',
      ({ fn }) =>
        fn
          .agg<number>('row_number')
          .over((over) => over.orderBy('rank').orderBy('queue_order'))
          .as('place'),
    ])
    .as('queue');
  const rows = await kysely
    .selectFrom(queue)
    .select(['queue_order', 'place'])
    .where('queue_order', 'in', orders)
    .execute();
  return new Map(rows.map(({ queue_order, place }) => [queue_order, place - 1]));
}

function jobById(kysely: Kysely<Tables>, { id }: Placeholders<ById>) {
  return kysely.selectFrom('jobs').select(JOB_COLUMNS).where('jobs.id', '=', id);
}

function withPosition(kysely: Kysely<Tables>, values: Placeholders<ById>) {
  return jobById(kysely, values).select((builder) =>
    builder
      .case()
      .when(builder.and([builder('jobs.backend', 'is', null), builder('jobs.ended_at', 'is', null)]))
      .then(countBefore(builder))
      .end()
      .as('ahead'),
  );
}

function withWorkflow(kysely: Kysely<Tables>, values: Placeholders<ById>) {
  return withPosition(kysely, values).innerJoin('workflows', 'job_id', 'jobs.id').select('workflow');
}

/** The number of waiting jobs before the row in `jobs`. */
function countBefore(builder: ExpressionBuilder<Tables, 'jobs'>) {
  return builder
    .selectFrom('jobs as other')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('other.backend', 'is', null)
    .where('other.ended_at', 'is', null)
    .where((other) =>
      other(other.refTuple('other.rank', 'other.queue_order'), '<', other.refTuple('jobs.rank', 'jobs.queue_order')),
    );
}
