import { BackendsSettings, type ResolvedBackend, resolveBackends } from './backends.options';
import { DatabaseSettings } from './database.options';
import { FileSettings } from './files.options';
import { JobSettings } from './jobs.options';
import { OptionError } from './option-error';
import { check } from './resolve';
import type { SupabaseTableSettings } from './supabase.options';
import type { Timing } from './timing';

export type { BackendOptions, ResolvedBackend } from './backends.options';

/** The settings of the module, by concern. */
export const MODULE_SETTINGS = [BackendsSettings, DatabaseSettings, JobSettings, FileSettings] as const;

interface ComfyUISettings extends BackendsSettings, DatabaseSettings, JobSettings, FileSettings {}

/** The ComfyUI servers, the database, the limits of jobs and the files. Times in seconds, sizes in bytes. Defaults: docs/settings.md. */
export interface ComfyUIOptions extends Partial<ComfyUISettings> {
  /** Intervals and time-outs that are no settings of their own; for tests, which shorten them. */
  timing?: Partial<Timing>;
}

/** Known when the module is declared, even with `forRootAsync`. */
export interface ComfyUIModuleExtras {
  /** Adds the HTTP endpoints to the host application; default false. Needs @nestjs/swagger and class-transformer. */
  controllers?: boolean;
  /**
   * Answers the messages of `ComfyUIClientModule` on the microservices that the host application connects; default false.
   * Needs @nestjs/microservices and what `controllers` needs.
   */
  microservice?: boolean;
  /** Makes the providers visible everywhere; default false. */
  isGlobal?: boolean;
}

type Replaced = 'baseUrl' | 'username' | 'password' | 'concurrency' | 'backends' | 'supabaseTable' | 'retentionDays';

export interface ResolvedComfyUIOptions extends Readonly<Omit<ComfyUISettings, Replaced>> {
  /** At least one. */
  readonly backends: readonly ResolvedBackend[];
  readonly supabaseTable?: SupabaseTableSettings;
  /** Without a slash at the end. */
  readonly publicUrl?: string;
  /** Null: for ever. */
  readonly retentionDays: number | null;
}

/** The options as checked and completed by {@link resolveOptions}; the injection token of {@link ResolvedComfyUIOptions}. */
export const RESOLVED_OPTIONS = Symbol('ResolvedComfyUIOptions');

/**
 * Checks the options and fills in the defaults.
 * @throws OptionError with all wrong options; it contains no values, since some are secrets
 */
export function resolveOptions(options: ComfyUIOptions): ResolvedComfyUIOptions {
  // `baseUrl` has no default beside `backends`.
  const given = options.backends ? { ...options, baseUrl: options.baseUrl ?? '' } : options;
  const checked = MODULE_SETTINGS.map((settings) => check<object>(settings, given));
  const problems = checked.flatMap((part) => part.problems);
  if (problems.length > 0) throw new OptionError(problems);
  const settings = Object.assign({}, ...checked.map((part) => part.settings)) as ComfyUISettings;
  const { baseUrl, username, password, concurrency, backends, ...others } = settings;
  return {
    ...others,
    backends: resolveBackends({ baseUrl, username, password, concurrency, backends }),
    supabaseTable: settings.supabaseTable as SupabaseTableSettings | undefined,
    publicUrl: settings.publicUrl && new URL(settings.publicUrl).href.replace(/\/+$/, ''),
    retentionDays: settings.retentionDays ?? null,
  };
}
