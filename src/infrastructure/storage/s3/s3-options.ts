import { resolve, type Values } from '../../../options/resolve';
import { type S3StorageOptions, S3StorageSettings } from '../../../options/storage.options';

export type ResolvedS3Options = Values<S3StorageSettings> & { readonly forcePathStyle: boolean };

/** @throws OptionError */
export function resolveS3Options(options: S3StorageOptions): ResolvedS3Options {
  const settings = resolve(S3StorageSettings, options, { path: 'storage' });
  const { endpoint, forcePathStyle = endpoint !== undefined, prefix } = settings;
  return { ...settings, forcePathStyle, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}
