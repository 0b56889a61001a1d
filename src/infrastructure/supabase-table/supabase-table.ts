import type * as PostgrestJs from '@supabase/postgrest-js';
import { GenerationTable } from '../../application/outbox/generation-table';
import type { SupabaseTableOptions } from '../../options/storage.options';
import { ComfyUIError } from '../../domain/errors';
import type { GenerationRow } from '../../domain/generation-row';
import { loadPeer } from '../load-peer';
import { Silence } from '../silence';
import { supabaseApi, supabaseHeaders } from '../supabase-project';
import { isProbeRefused, PROBE } from './probe';
import { TableRefusal, tableFault } from './table-errors';
import { WatchedFetch } from './watched-fetch';

/** Longer than Supabase lets a statement take (8 s). */
const SILENT_MS = 15_000;

type Table = ReturnType<PostgrestJs.PostgrestClient['from']>;
type Request = (table: Table) => PromiseLike<{ data: unknown; error: unknown; status: number }>;

/** @throws ComfyUIError `storage_failed` for settings that can not be, or when its client is not installed */
export function supabaseGenerationTable(options: Required<SupabaseTableOptions>): GenerationTable {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(options.table))
    throw new ComfyUIError('storage_failed', 'SUPABASE_TABLE must be a name of letters, digits and underscores.');
  const load = () => require('@supabase/postgrest-js') as typeof PostgrestJs;
  const postgrestJs = loadPeer(load, 'Writing to a Supabase table', '@supabase/postgrest-js');
  return new SupabaseTable(postgrestJs, { ...options, ...supabaseApi(options, 'rest/v1') });
}

/** A table of a Supabase project, by way of its REST API, which is PostgREST. */
class SupabaseTable extends GenerationTable {
  constructor(
    private readonly postgrestJs: typeof PostgrestJs,
    private readonly options: Required<SupabaseTableOptions>,
  ) {
    super();
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#told(signal, async () => {
      try {
        await this.#ask(upsertOf([PROBE]), signal);
      } catch (error) {
        if (isProbeRefused(error)) return;
        throw error;
      }
      await this.#ask((table) => table.delete().eq('job_id', PROBE.job_id).select('job_id'), signal);
    });
  }

  async upsert(rows: readonly GenerationRow[], signal: AbortSignal): Promise<void> {
    await this.#told(signal, () => this.#ask(upsertOf(rows), signal));
  }

  async #told(signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      signal.throwIfAborted();
      throw tableFault(error, this.options);
    }
  }

  /**
   * Asks for rows, to know PostgREST from others.
   * @throws TableRefusal, or what `fetch` threw
   */
  async #ask(request: Request, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const silence = new Silence(signal, SILENT_MS);
    const watched = new WatchedFetch(silence.signal);
    try {
      const { data, error, status } = await request(this.#table(watched.fetch));
      if (watched.failure !== undefined) throw watched.failure;
      if (error || watched.status !== status || !Array.isArray(data))
        throw TableRefusal.of(status === 0 ? 0 : watched.status, error);
    } finally {
      silence.end();
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
