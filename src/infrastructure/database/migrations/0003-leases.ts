import { type Kysely, sql } from 'kysely';

const TO_CANCEL = sql<boolean>`cancel_requested = 1 and ended_at is null`;

export async function up({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .alterTable('jobs')
    .addColumn('cancel_requested', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema.createIndex('jobs_to_cancel').on('jobs').column('backend').where(TO_CANCEL).execute();
  await schema
    .createTable('leases')
    .addColumn('backend', 'text', (column) => column.primaryKey())
    .addColumn('holder', 'text', (column) => column.notNull())
    .addColumn('epoch', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('lease_holders')
    .addColumn('holder', 'text', (column) => column.primaryKey())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
}
