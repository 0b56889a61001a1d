import { type BackendOptions, type ResolvedBackend, resolveBackends } from './backend.options';
import {
  resolvePublicUrl,
  resolveStorage,
  resolveTable,
  type StorageOptions,
  type SupabaseTableOptions,
} from './storage.options';
import { OptionError } from './option-error';
import { type Role, ROLES } from './role';

export type { BackendOptions, ResolvedBackend } from './backend.options';
export type * from './storage.options';

/** Which ComfyUI servers there are, where jobs are kept, and how long anything may take. Times in seconds, sizes in bytes. */
export interface ComfyUIOptions {
  /**
   * `http(s)://host[:port][/path prefix]`, or several separated by commas; default `http://127.0.0.1:8188`.
   * Credentials go into the next two, the same for all.
   */
  baseUrl?: string;
  /** Basic auth on every request and on the socket; both or none. */
  username?: string;
  password?: string;
  /** Instead of `baseUrl`: servers that differ in more than their address. */
  backends?: readonly BackendOptions[];
  /** Prompts a server runs at once; default 1, which is what ComfyUI does. */
  concurrency?: number;
  /** Prompts handed to a server ahead of those it runs, so that it need not wait for the next; default 1. */
  prefetch?: number;
  /** How long a connection may take to open; default 5. */
  connectTimeout?: number;
  /** How long ComfyUI may be silent within an answer; default 30. */
  responseTimeout?: number;
  /** How long `POST /generate` waits when the caller does not say; default 300. */
  generateTimeout?: number;
  /** Where large files wait for the caller; default: `spool` in `dataDirectory`, without that the system's folder for temporary files. */
  spoolDirectory?: string;
  /** How much memory small files may take together before they go to disk; default 32 MiB. */
  spoolMemory?: number;
  /** The folder of the embedded database and of output files, for one process. Without it and `databaseUrl`, jobs last as long as the process. */
  dataDirectory?: string;
  /** `postgres://user:password@host/database`: jobs are kept there instead; files still in `dataDirectory`. */
  databaseUrl?: string;
  /** `redis[s]://[[user]:password@]host[:port][/database]`: with `databaseUrl`, what several processes share their work through. */
  redisUrl?: string;
  /** Which part of the work this process has, of several on one database: `api` takes requests, `worker` drives servers; default `all`. */
  role?: Role;
  /** How many jobs may wait; more are refused with `queue_full`. Default 10000. */
  maxQueue?: number;
  /** How long a job may wait for its start before it expires; default 86400. */
  queueTimeout?: number;
  /** How long one run may take; default 3600. */
  runTimeout?: number;
  /** How often a job is run before it fails for good; default 3. */
  maxAttempts?: number;
  /** Where output files are kept; default: in `dataDirectory`. */
  storage?: StorageOptions;
  /** A table of a Supabase project that gets a row for each ended job. */
  supabaseTable?: SupabaseTableOptions;
  /** `http(s)://host[:port][/path]` where callers reach the HTTP endpoints; links to files start with it. Without it they are paths. */
  publicUrl?: string;
  /** How many days ended jobs and their files are kept; default: for ever. */
  retentionDays?: number;
  /** Makes ComfyUI forget the prompts of ended jobs; default false, because others may read its history. */
  cleanHistory?: boolean;
  /** How long a shutdown lets those who wait have their results; default 25. */
  shutdownGrace?: number;
}

/** Known when the module is declared, even with `forRootAsync`. */
export interface ComfyUIModuleExtras {
  /** Adds the HTTP endpoints to the host application; default false. Needs class-validator, class-transformer and @nestjs/swagger. */
  controllers?: boolean;
  /**
   * Answers the messages of `ComfyUIClientModule` on the microservices that the host application connects; default false.
   * Needs @nestjs/microservices and what `controllers` needs.
   */
  microservice?: boolean;
  /** Makes the providers visible everywhere; default false. */
  isGlobal?: boolean;
}

export const DEFAULT_OPTIONS = {
  baseUrl: 'http://127.0.0.1:8188',
  concurrency: 1,
  prefetch: 1,
  connectTimeout: 5,
  responseTimeout: 30,
  generateTimeout: 300,
  spoolMemory: 32 * 1024 * 1024,
  maxQueue: 10_000,
  queueTimeout: 86_400,
  runTimeout: 3_600,
  maxAttempts: 3,
  shutdownGrace: 25,
} as const satisfies ComfyUIOptions;

type NumericOption = Exclude<keyof typeof DEFAULT_OPTIONS, 'baseUrl'>;
type Numbers = Readonly<Record<NumericOption, number>>;

export interface ResolvedComfyUIOptions extends Omit<Numbers, 'concurrency'> {
  /** At least one. */
  readonly backends: readonly ResolvedBackend[];
  readonly spoolDirectory?: string;
  readonly dataDirectory?: string;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly role: Role;
  readonly storage: StorageOptions;
  readonly supabaseTable?: Required<SupabaseTableOptions>;
  /** Without a slash at the end. */
  readonly publicUrl?: string;
  /** Null: for ever. */
  readonly retentionDays: number | null;
  readonly cleanHistory: boolean;
}

/** The options as checked and completed by {@link resolveOptions}; the injection token of {@link ResolvedComfyUIOptions}. */
export const RESOLVED_OPTIONS = Symbol('ResolvedComfyUIOptions');

/**
 * Checks the options and fills in the defaults.
 * @throws OptionError that names the option, and never tells a credential
 */
export function resolveOptions(options: ComfyUIOptions): ResolvedComfyUIOptions {
  const { concurrency, ...numbers } = resolveNumbers(options);
  const { baseUrl = options.backends ? undefined : DEFAULT_OPTIONS.baseUrl } = options;
  const { spoolDirectory, dataDirectory, databaseUrl, redisUrl } = options;
  for (const [name, value] of Object.entries({ spoolDirectory, dataDirectory, databaseUrl, redisUrl }))
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new OptionError(name, 'must be text that is not empty');
  checkDatabase(databaseUrl);
  checkRedis(redisUrl, databaseUrl);
  const { retentionDays = null, cleanHistory = false } = options;
  if (retentionDays !== null && !(typeof retentionDays === 'number' && retentionDays > 0))
    throw new OptionError('retentionDays', 'must be a number of days above 0');
  return {
    ...numbers,
    storage: resolveStorage(options.storage),
    supabaseTable: resolveTable(options.supabaseTable),
    publicUrl: resolvePublicUrl(options.publicUrl),
    retentionDays,
    cleanHistory,
    backends: resolveBackends({ ...options, baseUrl }, concurrency),
    spoolDirectory,
    dataDirectory,
    databaseUrl,
    redisUrl,
    role: resolveRole(options.role, databaseUrl),
  };
}

interface NumberRule {
  readonly holds: (value: number) => boolean;
  readonly words: string;
}

const COUNT: NumberRule = {
  holds: (value) => Number.isSafeInteger(value) && value >= 1,
  words: 'must be a whole number, 1 or more',
};
const DURATION: NumberRule = { holds: (value) => value > 0, words: 'must be a number of seconds above 0' };

const NUMBER_RULES: Readonly<Record<NumericOption, NumberRule>> = {
  concurrency: COUNT,
  prefetch: {
    holds: (value) => Number.isSafeInteger(value) && value >= 0,
    words: 'must be a whole number, 0 or more',
  },
  connectTimeout: DURATION,
  responseTimeout: DURATION,
  generateTimeout: DURATION,
  spoolMemory: { holds: (value) => value >= 0, words: 'must be a number of bytes, 0 or more' },
  maxQueue: COUNT,
  queueTimeout: DURATION,
  runTimeout: DURATION,
  maxAttempts: COUNT,
  shutdownGrace: { holds: (value) => value >= 0, words: 'must be a number of seconds, 0 or more' },
};

function resolveNumbers(options: ComfyUIOptions): Numbers {
  const entries = Object.entries(NUMBER_RULES).map(([option, { holds, words }]) => {
    const name = option as NumericOption;
    const value: unknown = options[name] ?? DEFAULT_OPTIONS[name];
    if (typeof value !== 'number' || !Number.isFinite(value) || !holds(value)) throw new OptionError(name, words);
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as Numbers;
}

function checkDatabase(databaseUrl: string | undefined): void {
  if (databaseUrl === undefined) return;
  if (!/^postgres(?:ql)?:\/\//.test(databaseUrl) || !URL.canParse(databaseUrl))
    throw new OptionError('databaseUrl', 'must be a URL such as postgres://user:password@host:5432/database');
}

function checkRedis(redisUrl: string | undefined, databaseUrl: string | undefined): void {
  if (redisUrl === undefined) return;
  if (!/^rediss?:\/\//.test(redisUrl) || !URL.canParse(redisUrl))
    throw new OptionError('redisUrl', 'must be a URL such as redis://user:password@host:6379');
  if (databaseUrl === undefined)
    throw new OptionError('redisUrl', 'goes with {databaseUrl}: what Redis carries is kept in PostgreSQL');
}

function resolveRole(role: unknown = 'all', databaseUrl: string | undefined): Role {
  const known = ROLES.find((one) => one === role);
  if (known === undefined) throw new OptionError('role', `must be one of ${ROLES.join(', ')}`);
  if (known !== 'all' && databaseUrl === undefined)
    throw new OptionError('role', `${known} goes with {databaseUrl}, which the processes share`);
  return known;
}
