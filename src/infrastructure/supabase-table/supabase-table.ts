import type * as PostgrestJs from '@supabase/postgrest-js';
import { GenerationTable } from '../../application/outbox/generation-table';
import { resolve } from '../../options/resolve';
import { type SupabaseTableOptions, SupabaseTableSettings } from '../../options/supabase.options';
import type { GenerationRow } from '../../domain/generation-row';
import { loadPeer } from '../load-peer';
import { InactivityTimeout } from '../inactivity-timeout';
import { supabaseApi, supabaseHeaders } from '../supabase-project';
import { isProbeRefused, PROBE } from './probe';
import { TableRefusal, toTableError } from './table-errors';
import { WatchedFetch } from './watched-fetch';

/** Above Supabase's statement timeout (8 s). */
const INACTIVITY_MS = 15_000;

type Table = ReturnType<PostgrestJs.PostgrestClient['from']>;
type Request = (table: Table) => PromiseLike<{ data: unknown; error: unknown; status: number }>;

/** @throws OptionError; ComfyUIError `storage_failed` when its client is not installed */
export function supabaseGenerationTable(options: SupabaseTableOptions): GenerationTable {
  const settings = resolve(SupabaseTableSettings, options, { path: 'supabaseTable' });
  const load = () => require('@supabase/postgrest-js') as typeof PostgrestJs;
  const postgrestJs = loadPeer(load, 'Writing to a Supabase table', '@supabase/postgrest-js');
  return new SupabaseTable(postgrestJs, { ...settings, ...supabaseApi(settings, 'rest/v1') });
}

/** A table of a Supabase project, over its REST API (PostgREST). */
class SupabaseTable extends GenerationTable {
  constructor(
    private readonly postgrestJs: typeof PostgrestJs,
    private readonly options: SupabaseTableSettings,
  ) {
    super();
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#withErrors(signal, async () => {
      try {
        await this.#send(upsertOf([PROBE]), signal);
      } catch (error) {
        if (isProbeRefused(error)) return;
        throw error;
      }
      await this.#send((table) => table.delete().eq('job_id', PROBE.job_id).select('job_id'), signal);
    });
  }

  async upsert(rows: readonly GenerationRow[], signal: AbortSignal): Promise<void> {
    await this.#withErrors(signal, () => this.#send(upsertOf(rows), signal));
  }

  async #withErrors(signal: AbortSignal, operation: () => Promise<void>): Promise<void> {
    try {
      await operation();
    } catch (error) {
      signal.throwIfAborted();
      throw toTableError(error, this.options);
    }
  }

  /**
   * Requests the written rows, because only PostgREST answers with an array.
   * @throws TableRefusal, or the error of `fetch`
   */
  async #send(request: Request, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const timeout = new InactivityTimeout(signal, INACTIVITY_MS);
    const watched = new WatchedFetch(timeout.signal);
    try {
      const { data, error, status } = await request(this.#table(watched.fetch));
      if (watched.failure !== undefined) throw watched.failure;
      if (error || watched.status !== status || !Array.isArray(data))
        throw TableRefusal.of(status === 0 ? 0 : watched.status, error);
    } finally {
      timeout.dispose();
    }
  }

  #table(fetchOnce: typeof fetch): Table {
    const { url, key, table } = this.options;
    return new this.postgrestJs.PostgrestClient(url, { headers: supabaseHeaders(key), fetch: fetchOnce }).from(table);
  }
}

function upsertOf(rows: readonly GenerationRow[]): Request {
  return (table) => table.upsert([...rows], { onConflict: 'job_id' }).select('job_id');
}
