import { type Kysely, sql } from 'kysely';

const ENDED = sql<boolean>`ended_at is not null`;

export async function up(kysely: Kysely<unknown>): Promise<void> {
  await createFiles(kysely);
  await createGenerations(kysely);
  await createAssets(kysely);
  await createOutbox(kysely);
  await kysely.schema.createIndex('jobs_by_end').on('jobs').column('ended_at').where(ENDED).execute();
}

async function createFiles({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('files')
    .addColumn('sha256', 'text', (column) => column.primaryKey())
    .addColumn('stored_at', 'bigint', (column) => column.notNull())
    .addColumn('removing_at', 'bigint')
    .execute();
  await schema.createIndex('files_by_age').on('files').column('stored_at').execute();
}

async function createGenerations({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('generations')
    .addColumn('job_id', 'text', (column) => column.primaryKey().references('jobs.id').onDelete('cascade'))
    .addColumn('label', 'text')
    .addColumn('prompt_text', 'text', (column) => column.notNull())
    .addColumn('facts', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('generations_by_label').on('generations').column('label').execute();
}

async function createAssets({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('assets')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('job_id', 'text', (column) => column.notNull().references('jobs.id').onDelete('cascade'))
    .addColumn('created_order', 'bigint', (column) => column.notNull())
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('media_type', 'text', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addColumn('width', 'integer')
    .addColumn('height', 'integer')
    .addColumn('duration_seconds', 'double precision')
    .addColumn('node_id', 'text', (column) => column.notNull())
    .addColumn('filename', 'text', (column) => column.notNull())
    .addColumn('subfolder', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('assets_by_order').on('assets').columns(['created_order', 'id']).execute();
  await schema.createIndex('assets_by_job').on('assets').columns(['job_id', 'created_order']).execute();
  await schema.createIndex('assets_by_media_type').on('assets').columns(['media_type', 'created_order']).execute();
  await schema.createIndex('assets_by_file').on('assets').column('sha256').execute();
}

async function createOutbox({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('outbox')
    .addColumn('job_id', 'text', (column) => column.primaryKey().references('jobs.id').onDelete('cascade'))
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('tries', 'integer', (column) => column.notNull())
    .addColumn('next_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema.createIndex('outbox_by_time').on('outbox').column('next_at').execute();
}
