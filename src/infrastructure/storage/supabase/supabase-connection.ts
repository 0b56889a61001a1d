import type * as StorageJs from '@supabase/storage-js';
import { loadPeer } from '../../load-peer';
import { InactivityTimeout } from '../../inactivity-timeout';
import { supabaseHeaders } from '../../supabase-project';
import { retryPassing } from '../retry-passing';
import { SupabaseRefusal, supabaseStorageError } from './supabase-errors';
import type { ResolvedSupabaseOptions } from './supabase-options';

export const INACTIVITY_MS = 30_000;

type Result<T> = { data: T; error: null } | { data: null; error: StorageJs.StorageError };

/** The clients for one attempt of a request, bound to its timeout. */
export interface RequestContext {
  readonly files: ReturnType<StorageJs.StorageClient['from']>;
  readonly buckets: StorageJs.StorageClient;
  readonly fetch: typeof fetch;
  /** Reports activity, which restarts the inactivity timeout. */
  readonly reportActivity: () => void;
}

/** Sends requests to Supabase Storage with timeouts and signals, which its client does not support, and retries. */
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

  /** Sends a request, with retries for transient errors and an inactivity timeout. Rejects with the signal's reason. */
  run<T>(
    request: (context: RequestContext) => Promise<T>,
    signal: AbortSignal,
    inactivityMs = INACTIVITY_MS,
  ): Promise<T> {
    return retryPassing(async () => {
      const timeout = new InactivityTimeout(signal, inactivityMs);
      try {
        return await request(this.#startAttempt(timeout));
      } catch (error) {
        signal.throwIfAborted();
        throw supabaseStorageError(timeout.signal.aborted ? timeout.signal.reason : error, this.options);
      } finally {
        timeout.dispose();
      }
    }, signal);
  }

  #startAttempt(timeout: InactivityTimeout): RequestContext {
    // fetch buffers the whole body, gigabytes, to repeat it after a redirect, unless redirects and `window` are off.
    const once = { redirect: 'error', window: null, signal: timeout.signal } as const;
    const fetchOnce: typeof fetch = (input, init) => fetch(input, { ...init, ...once });
    // The new host name of the cloud has no gateway that buffers a whole file before it forwards it.
    const buckets = new this.#storageJs.StorageClient(this.options.url, this.headers, fetchOnce, {
      useNewHostname: true,
    });
    return { buckets, files: buckets.from(this.options.bucket), fetch: fetchOnce, reportActivity: timeout.refresh };
  }
}

/** @throws SupabaseRefusal, or the error of `fetch` */
export function dataOf<T>({ data, error }: Result<T>): T {
  if (error === null) return data;
  if ('originalError' in error) throw error.originalError;
  throw SupabaseRefusal.of(error.status ?? 0, error);
}
