import type * as Pg from 'pg';
import { ComfyUIError } from '../domain/errors';
import { loadPeer } from './load-peer';

/** @throws ComfyUIError `storage_failed` when the package is not installed */
export function loadPg(): typeof Pg {
  return loadPeer(() => require('pg') as typeof Pg, 'PostgreSQL', 'pg');
}

/** @throws ComfyUIError `storage_failed`, without a cause, which would hold the password */
export function checkPostgresUrl(url: string): void {
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return;
  const message =
    'The address of the job database must be postgres://user:password@host:port/database, with special characters percent-encoded.';
  throw new ComfyUIError('storage_failed', message);
}
