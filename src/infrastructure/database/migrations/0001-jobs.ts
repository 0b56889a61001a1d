import { type Kysely, sql } from 'kysely';

const WAITING = sql<boolean>`backend is null and ended_at is null`;
const HANDED_OVER = sql<boolean>`backend is not null and ended_at is null`;
const MAY_BE_OVERDUE = sql<boolean>`${WAITING} and started_at is null and start_by is not null`;
const HAS_KEY = sql<boolean>`idempotency_key is not null`;

/** Types that both engines know: SQLite keeps a `bigint` as an integer, PostgreSQL as int8. */
export async function up(kysely: Kysely<unknown>): Promise<void> {
  await createJobs(kysely);
  await createJobIndexes(kysely);
  await kysely.schema
    .createTable('workflows')
    .addColumn('job_id', 'text', (column) => column.primaryKey().references('jobs.id').onDelete('cascade'))
    .addColumn('workflow', 'text', (column) => column.notNull())
    .execute();
  await kysely.schema
    .createTable('abandoned_prompts')
    .addColumn('prompt_id', 'text', (column) => column.primaryKey())
    .addColumn('backend', 'text', (column) => column.notNull())
    .addColumn('job_id', 'text', (column) => column.notNull())
    .addColumn('abandoned_at', 'bigint', (column) => column.notNull())
    .execute();
}

function createJobs(kysely: Kysely<unknown>): Promise<void> {
  return kysely.schema
    .createTable('jobs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('placement', 'integer', (column) => column.notNull())
    .addColumn('write_id', 'text')
    .addColumn('priority', 'integer', (column) => column.notNull())
    .addColumn('queue_order', 'bigint', (column) => column.notNull())
    .addColumn('rank', 'bigint', (column) => column.notNull())
    .addColumn('queued_at', 'bigint', (column) => column.notNull())
    .addColumn('start_by', 'bigint')
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('backend', 'text')
    .addColumn('needs_key', 'text', (column) => column.notNull())
    .addColumn('idempotency_key', 'text')
    .addColumn('request_hash', 'text')
    .addColumn('record', 'text', (column) => column.notNull())
    .execute();
}

/** The partial ones hold only jobs that have not ended: they stay small however many are kept. */
async function createJobIndexes({ schema }: Kysely<unknown>): Promise<void> {
  const queue = ['rank', 'queue_order', 'needs_key'];
  await schema.createIndex('jobs_by_order').unique().on('jobs').column('queue_order').execute();
  await schema.createIndex('jobs_by_status').on('jobs').columns(['status', 'queue_order']).execute();
  await schema.createIndex('jobs_by_key').unique().on('jobs').column('idempotency_key').where(HAS_KEY).execute();
  await schema.createIndex('jobs_waiting').on('jobs').columns(queue).where(WAITING).execute();
  await schema.createIndex('jobs_overdue').on('jobs').column('start_by').where(MAY_BE_OVERDUE).execute();
  await schema.createIndex('jobs_handed_over').on('jobs').column('queue_order').where(HANDED_OVER).execute();
}
