import type { GenerationTable } from '../../src/application/outbox/generation-table';
import type { SupabaseTableOptions } from '../../src/options/supabase.options';
import { supabaseGenerationTable } from '../../src/infrastructure/supabase-table/supabase-table';
import { PostgrestStandIn } from '../support/supabase/postgrest-stand-in';
import { ProjectDatabase } from '../support/supabase/project-database';

export interface Project {
  readonly database: ProjectDatabase;
  readonly standIn: PostgrestStandIn;
  tableOf(change?: Partial<SupabaseTableOptions>): GenerationTable;
}

/** A new Supabase project with the table for each test. */
export function freshProject(): { readonly current: Project } {
  let current: Project;

  beforeEach(async () => {
    const database = await ProjectDatabase.make();
    await database.setUp();
    const standIn = await PostgrestStandIn.start(database.url);
    const options = { url: standIn.url, key: standIn.serviceKey, table: 'generations' };
    current = { database, standIn, tableOf: (change = {}) => supabaseGenerationTable({ ...options, ...change }) };
  });

  afterEach(async () => {
    await current.standIn.close();
    await current.database.remove();
  });

  return {
    get current() {
      return current;
    },
  };
}
