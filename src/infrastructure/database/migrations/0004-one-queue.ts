import { type Kysely, sql } from 'kysely';

type Before = {
  readonly ended_outbox: { job_id: string; revision: number; tries: number; next_at: number };
};

type After = Before & {
  readonly outbox: {
    job_id: string;
    event: string;
    consumer: string;
    revision: number;
    attempts: number;
    next_at: number;
  };
};

/** Columns get the words of the glossary; the outbox holds events for several consumers, of which Supabase was the only one. */
export async function up(kysely: Kysely<unknown>): Promise<void> {
  const { schema } = kysely;
  await schema.alterTable('jobs').renameColumn('placement', 'fencing_token').execute();
  await schema.alterTable('jobs').renameColumn('needs_key', 'requirements_key').execute();
  await schema.alterTable('outbox').renameTo('ended_outbox').execute();
  await createOutbox(kysely);
  await copyOutbox(kysely.withTables<After>());
  await schema.dropTable('ended_outbox').execute();
  await schema.createIndex('outbox_by_time').on('outbox').columns(['consumer', 'next_at']).execute();
}

function createOutbox({ schema }: Kysely<unknown>): Promise<void> {
  return schema
    .createTable('outbox')
    .addColumn('job_id', 'text', (column) => column.notNull().references('jobs.id').onDelete('cascade'))
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('consumer', 'text', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('outbox_by_job', ['job_id', 'event', 'consumer'])
    .execute();
}

async function copyOutbox(kysely: Kysely<After>): Promise<void> {
  const entries = kysely
    .selectFrom('ended_outbox')
    .select(['job_id', sql.lit('ended').as('event'), sql.lit('supabase').as('consumer')])
    .select(['revision', 'tries', 'next_at']);
  const columns = ['job_id', 'event', 'consumer', 'revision', 'attempts', 'next_at'] as const;
  await kysely.insertInto('outbox').columns(columns).expression(entries).execute();
}
