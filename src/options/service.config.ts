import { registerAs } from '@nestjs/config';
import { type ComfyUIOptions, MODULE_SETTINGS, resolveOptions } from './comfyui.options';
import { inVariables, readEnvironment, serviceSettings, variablesOf } from './environment';
import { FileSettings } from './files.options';
import { HttpSettings } from './http.options';
import { LogSettings } from './log.options';
import { OptionError } from './option-error';
import { check } from './resolve';
import { STORAGE_KINDS, storageClassOf, type StorageOptions } from './storage.options';
import { SupabaseTableSettings } from './supabase.options';
import { resolveAddress, type ServiceAddress, type TransportOptions, TransportSettings } from './transport.options';

/** The options of the module, checked here so that errors name variables. */
export const comfyUIConfig = registerAs('comfyui', (): ComfyUIOptions => {
  const kind = storageKind();
  const variables = new Map([
    ...MODULE_SETTINGS.flatMap((settings) => [...variablesOf(settings)]),
    ...variablesOf(storageClassOf({ kind }) ?? Object, 'storage'),
    ...variablesOf(SupabaseTableSettings, 'supabaseTable'),
  ]);
  return inVariables(variables, () => {
    const options = MODULE_SETTINGS.map((settings) => readEnvironment<object>(settings));
    const storage = readStorage(kind);
    const all: ComfyUIOptions = Object.assign({}, ...options, { storage, supabaseTable: readTable() });
    resolveOptions(all);
    return all;
  });
});

export const httpConfig = registerAs('http', (): HttpSettings => serviceSettings(HttpSettings));

export interface LogConfig {
  readonly level: string;
  readonly isPretty: boolean;
}

export const logConfig = registerAs('log', (): LogConfig => {
  const { level, format = process.stdout.isTTY ? 'pretty' : 'json' } = serviceSettings(LogSettings);
  return { level, isPretty: format === 'pretty' };
});

export interface MicroserviceConfig {
  /** Undefined: the service has only HTTP. */
  readonly address?: ServiceAddress;
}

export const microserviceConfig = registerAs('microservice', (): MicroserviceConfig =>
  inVariables(variablesOf(TransportSettings), () => {
    const options = readEnvironment(TransportSettings);
    if (options.transport === undefined && options.url === undefined) return {};
    if (options.transport === undefined || options.url === undefined)
      throw new OptionError([{ option: 'transport', problem: 'and {url} go together: set both, or none' }]);
    return { address: resolveAddress(options as TransportOptions) };
  }),
);

/** Supabase as soon as a project is set, else the folder. */
function storageKind(): unknown {
  const { url, key } = readEnvironment(SupabaseTableSettings);
  return readEnvironment(FileSettings).storage ?? (url !== undefined && key !== undefined ? 'supabase' : 'local');
}

function readStorage(kind: unknown): StorageOptions {
  const settingsClass = storageClassOf({ kind });
  if (!settingsClass)
    throw new OptionError([{ option: 'storage', problem: `must be one of ${STORAGE_KINDS.join(', ')}` }]);
  const options = new Map(Object.entries(readEnvironment(settingsClass)));
  const { problems } = check(settingsClass, Object.fromEntries(options));
  const missing = problems.filter(({ option }) => options.get(option) === undefined);
  if (missing.length === 0) return { kind, ...Object.fromEntries(options) } as StorageOptions;
  const needed = missing.map(({ option }) => `{storage.${option}}`).join(' and ');
  throw new OptionError([{ option: 'storage', problem: `is ${String(kind)}, which needs ${needed}` }]);
}

/** Each ended job gets a row as soon as a Supabase project is set, wherever the files are. */
function readTable(): ComfyUIOptions['supabaseTable'] {
  const { url, key, table } = readEnvironment(SupabaseTableSettings);
  return url === undefined && key === undefined ? undefined : { url: url!, key: key!, table };
}
