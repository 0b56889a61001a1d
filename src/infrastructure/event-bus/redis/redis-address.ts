import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { ComfyUIError } from '../../../domain/errors';

/** The options with which ioredis connects. */
export interface RedisAddress {
  readonly options: Pick<RedisOptions, 'host' | 'port' | 'username' | 'password' | 'db' | 'tls'>;
  /** `host:port`, for log lines: without credentials. */
  readonly name: string;
  readonly database: number;
}

/**
 * @param url `redis[s]://[[user]:password@]host[:port][/database]`; a query is ignored
 * @throws ComfyUIError `storage_failed`, without a cause, which would hold the password
 */
export function redisAddress(url: string): RedisAddress {
  const parsed = /^rediss?:\/\//.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  const host = parsed?.hostname.replace(/^\[|\]$/g, '');
  const [, digits] = /^\/?(\d{0,4})$/.exec(parsed?.pathname ?? '-') ?? [];
  const credentials = parsed && credentialsOf(parsed);
  if (!parsed || !host || digits === undefined || !credentials) throw invalidAddress();
  const port = Number(parsed.port || 6379);
  const database = Number(digits);
  // A proxy in front of several hosts selects one by the server name.
  const tls = parsed.protocol === 'rediss:' ? { tls: isIP(host) ? {} : { servername: host } } : {};
  return {
    options: { host, port, db: database, ...credentials, ...tls },
    name: `${parsed.hostname}:${port}`,
    database,
  };
}

function credentialsOf({ username, password }: URL): Pick<RedisOptions, 'username' | 'password'> | undefined {
  try {
    return {
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
    };
  } catch {
    return undefined;
  }
}

function invalidAddress(): ComfyUIError {
  const message =
    'The address of Redis must be redis://user:password@host:port/number or rediss://, with special characters percent-encoded.';
  return new ComfyUIError('storage_failed', message);
}
