import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inPostgres, onServer } from '../../store/places';

const SETUP = join(__dirname, '..', '..', '..', 'docs', 'supabase.sql');

/** The roles of every Supabase project. Roles belong to the whole server, where other tests create them concurrently. */
const ROLES = `do $$ begin
  perform pg_advisory_xact_lock(7461982531);
  if not exists (select from pg_roles where rolname = 'service_role') then
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
  end if;
end $$`;

/** The privileges of the roles in new tables. Older projects grant all of them. */
const DEFAULT_RIGHTS = `alter default privileges in schema public grant all on tables to anon, authenticated, service_role`;

/** The database of a Supabase project, on the PostgreSQL of the tests. */
export class ProjectDatabase {
  private constructor(
    readonly url: string,
    private readonly drop: () => Promise<void>,
  ) {}

  /** @param rights whether new tables are open to all roles, as in older projects */
  static async make({ rights = true } = {}): Promise<ProjectDatabase> {
    const place = await inPostgres();
    const database = new ProjectDatabase(place.url, () => place.remove());
    await database.run(ROLES);
    await database.run('grant usage on schema public to anon, authenticated, service_role');
    if (rights) await database.run(DEFAULT_RIGHTS);
    return database;
  }

  /** Runs the SQL script, as in the SQL editor. */
  async setUp(): Promise<void> {
    await this.run(await readFile(SETUP, 'utf8'));
  }

  run(sql: string): Promise<Record<string, unknown>[]> {
    return onServer(sql, this.url);
  }

  /** All rows of the table as JSON. */
  async rows(table = 'generations'): Promise<Record<string, unknown>[]> {
    return this.run(`select *, seed::text as seed from ${table} order by queued_at, job_id`);
  }

  remove(): Promise<void> {
    return this.drop();
  }
}
