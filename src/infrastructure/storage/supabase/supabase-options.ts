import { resolve } from '../../../options/resolve';
import { type SupabaseStorageOptions, SupabaseStorageSettings } from '../../../options/supabase.options';
import { supabaseApi } from '../../supabase-project';

export type ResolvedSupabaseOptions = Required<SupabaseStorageOptions>;

/** @throws OptionError */
export function resolveSupabaseOptions(options: SupabaseStorageOptions): ResolvedSupabaseOptions {
  const settings = resolve(SupabaseStorageSettings, options, { path: 'storage' });
  return { ...settings, ...supabaseApi(settings, 'storage/v1') };
}
