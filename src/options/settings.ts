import { BackendSettings, BackendsSettings } from './backends.options';
import { DatabaseSettings } from './database.options';
import { FileSettings } from './files.options';
import { HttpSettings } from './http.options';
import { JobSettings } from './jobs.options';
import { LogSettings } from './log.options';
import type { SettingsClass } from './setting';
import { LocalStorageSettings, S3StorageSettings } from './storage.options';
import { SupabaseStorageSettings, SupabaseTableSettings } from './supabase.options';
import { TransportSettings } from './transport.options';

export interface SettingsGroup {
  readonly section: string;
  readonly settings: SettingsClass;
  /** Path of the object of these settings among the options of the module; undefined: the service alone has them. */
  readonly path?: string;
}

/** All settings, in the order of `.env.example` and `docs/settings.md`. */
export const ALL_SETTINGS: readonly SettingsGroup[] = [
  { section: 'ComfyUI', settings: BackendsSettings, path: '' },
  { section: 'ComfyUI', settings: BackendSettings, path: 'backends[]' },
  { section: 'Database and processes', settings: DatabaseSettings, path: '' },
  { section: 'Jobs', settings: JobSettings, path: '' },
  { section: 'Files', settings: FileSettings, path: '' },
  { section: 'Files', settings: LocalStorageSettings, path: 'storage' },
  { section: 'S3', settings: S3StorageSettings, path: 'storage' },
  { section: 'Supabase', settings: SupabaseStorageSettings, path: 'storage' },
  { section: 'Supabase', settings: SupabaseTableSettings, path: 'supabaseTable' },
  { section: 'The service', settings: HttpSettings },
  { section: 'The service', settings: LogSettings },
  { section: 'The service', settings: TransportSettings },
];
