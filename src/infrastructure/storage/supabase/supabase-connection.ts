import type * as StorageJs from '@supabase/storage-js';
import { loadPeer } from '../../load-peer';
import { Silence } from '../../silence';
import { supabaseHeaders } from '../../supabase-project';
import { retryPassing } from '../retry-passing';
import { SupabaseRefusal, supabaseFault } from './supabase-errors';
import type { ResolvedSupabaseOptions } from './supabase-options';

export const SILENT_MS = 30_000;

type Result<T> = { data: T; error: null } | { data: null; error: StorageJs.StorageError };

/** One try of a request; a long one tells whenever something moved. */
export interface Try {
  readonly files: ReturnType<StorageJs.StorageClient['from']>;
  readonly buckets: StorageJs.StorageClient;
  readonly fetch: typeof fetch;
  readonly moved: () => void;
}

/** Talks to Supabase Storage: with time limits and signals, which its client does not know, and a second try. */
export class SupabaseConnection {
  readonly #storageJs = loadPeer(
    () => require('@supabase/storage-js') as typeof StorageJs,
    'Storing files in Supabase',
    '@supabase/storage-js',
  );

  constructor(private readonly options: ResolvedSupabaseOptions) {}

  get headers(): Record<string, string> {
    return supabaseHeaders(this.options.key);
  }

  /** Tries a request, again when that may help, for as long as something moves. Rejects with the signal's reason. */
  run<T>(request: (attempt: Try) => Promise<T>, signal: AbortSignal, silentMs = SILENT_MS): Promise<T> {
    return retryPassing(async () => {
      const silence = new Silence(signal, silentMs);
      try {
        return await request(this.#try(silence));
      } catch (error) {
        signal.throwIfAborted();
        throw supabaseFault(silence.signal.aborted ? silence.signal.reason : error, this.options);
      } finally {
        silence.end();
      }
    }, signal);
  }

  #try(silence: Silence): Try {
    // To be able to follow a redirect, fetch keeps all it sends: gigabytes. Without one, and without a window, it does not.
    const once = { redirect: 'error', window: null, signal: silence.signal } as const;
    const fetchHeard: typeof fetch = (input, init) => fetch(input, { ...init, ...once });
    // In the cloud another host name, where no gateway takes a file in whole before it passes it on.
    const buckets = new this.#storageJs.StorageClient(this.options.url, this.headers, fetchHeard, {
      useNewHostname: true,
    });
    return { buckets, files: buckets.from(this.options.bucket), fetch: fetchHeard, moved: silence.broken };
  }
}

/** @throws SupabaseRefusal, or what `fetch` threw */
export function dataOf<T>({ data, error }: Result<T>): T {
  if (error === null) return data;
  if ('originalError' in error) throw error.originalError;
  throw SupabaseRefusal.of(error.status ?? 0, error);
}
