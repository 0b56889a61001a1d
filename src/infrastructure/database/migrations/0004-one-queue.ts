import type { Kysely } from 'kysely';

/** Columns get the words of the glossary. */
export async function up({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('jobs').renameColumn('placement', 'fencing_token').execute();
  await schema.alterTable('jobs').renameColumn('needs_key', 'requirements_key').execute();
}
