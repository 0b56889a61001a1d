import { Check, Name, Needed, PlainUrl, Switch, Text, WholeNumber } from './checks';
import { type Given, Setting, type SettingsClass } from './setting';
import { type SupabaseStorageOptions, SupabaseStorageSettings } from './supabase.options';

const WEEK = 604_800;

/** A folder. */
export class LocalStorageSettings {
  /** The folder; default: `assets` in `dataDirectory`, without that a temporary one that the process removes at its end. */
  @Setting()
  @Text()
  readonly directory?: string;
}

/** AWS S3, or a server that speaks its protocol. */
export class S3StorageSettings {
  /** Bucket; created when it does not exist and the key has the right to create it. */
  @Setting('S3_BUCKET')
  @Needed()
  @Name(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/, 'must be the name of a bucket')
  readonly bucket!: string;

  /** Region; servers other than AWS take the default as well. `auto` for Cloudflare R2. */
  @Setting('S3_REGION')
  @Text()
  readonly region: string = 'us-east-1';

  /** `https://host[:port]` of a server other than AWS. */
  @Setting('S3_ENDPOINT')
  @PlainUrl('must be http(s)://host[:port], without credentials')
  readonly endpoint?: string;

  /**
   * Access key; key and secret go together. Without them the AWS SDK uses its own variables and files, or the role of the
   * machine.
   */
  @Setting('S3_ACCESS_KEY_ID')
  @Text()
  @Check((_key, { secretAccessKey }: S3StorageSettings) =>
    secretAccessKey === undefined ? 'and {secretAccessKey} go together: set both, or none' : undefined,
  )
  readonly accessKeyId?: string;

  /** Secret of the access key. */
  @Setting('S3_SECRET_ACCESS_KEY')
  @Text()
  @Check((_secret, { accessKeyId }: S3StorageSettings) =>
    accessKeyId === undefined ? 'and {accessKeyId} go together: set both, or none' : undefined,
  )
  readonly secretAccessKey?: string;

  /**
   * Puts the bucket into the path instead of the host name.
   * @defaultValue `true` with an endpoint
   */
  @Setting('S3_FORCE_PATH_STYLE')
  @Switch()
  readonly forcePathStyle?: boolean;

  /** Start of every key, such as `comfyui/`. */
  @Setting('S3_PREFIX')
  @Check((prefix) => (typeof prefix === 'string' ? undefined : 'must be text'))
  readonly prefix: string = '';

  /** Seconds that a link works; a week at most. */
  @Setting('S3_LINK_TTL')
  @WholeNumber(1, WEEK, 'of seconds')
  readonly linkSeconds: number = 3_600;
}

export type S3StorageOptions = Given<S3StorageSettings, 'bucket'>;

/** The storages that this package implements. */
export type StorageOptions =
  | ({ readonly kind: 'local' } & LocalStorageSettings)
  | ({ readonly kind: 's3' } & S3StorageOptions)
  | ({ readonly kind: 'supabase' } & SupabaseStorageOptions);

const METHODS = ['check', 'put', 'open', 'remove', 'link'] as const;

/** An instance of a class of the application that extends `AssetStorage`. */
export interface OwnStorage extends Record<(typeof METHODS)[number], (...args: never[]) => Promise<unknown>> {
  readonly linksLast: boolean;
  readonly kind?: undefined;
}

export function isOwnStorage(storage: unknown): storage is OwnStorage {
  if (typeof storage !== 'object' || storage === null) return false;
  return METHODS.every((method) => method in storage && typeof (storage as OwnStorage)[method] === 'function');
}

const CLASSES: Readonly<Record<StorageOptions['kind'], SettingsClass>> = {
  local: LocalStorageSettings,
  s3: S3StorageSettings,
  supabase: SupabaseStorageSettings,
};

export const STORAGE_KINDS = Object.keys(CLASSES);

/** The settings of a storage by its kind; undefined for an {@link OwnStorage} and for an unknown kind. */
export function storageClassOf(storage: unknown): SettingsClass | undefined {
  if (typeof storage !== 'object' || storage === null || isOwnStorage(storage) || !('kind' in storage))
    return undefined;
  const { kind } = storage;
  return typeof kind === 'string' && Object.hasOwn(CLASSES, kind) ? CLASSES[kind as keyof typeof CLASSES] : undefined;
}
