import { Expose, Transform, Type } from 'class-transformer';
import { IsBoolean, IsIn, IsNumber, IsString } from 'class-validator';
import type { StorageOptions, SupabaseTableOptions } from './comfyui.options';

/** `true` and `false` are what they say; the rest is left for the check to refuse. */
export const asBoolean = Transform(
  ({ value }: { value: unknown }) => ({ true: true, false: false })[String(value)] ?? value,
);

/** The variables that say where files and their metadata are kept. */
export class StorageEnvironment {
  @Expose()
  @IsIn(['local', 's3', 'supabase'])
  STORAGE?: StorageOptions['kind'];

  @Expose()
  @IsString()
  S3_BUCKET?: string;

  @Expose()
  @IsString()
  S3_REGION?: string;

  @Expose()
  @IsString()
  S3_ENDPOINT?: string;

  @Expose()
  @IsString()
  S3_ACCESS_KEY_ID?: string;

  @Expose()
  @IsString()
  S3_SECRET_ACCESS_KEY?: string;

  @Expose()
  @asBoolean
  @IsBoolean()
  S3_FORCE_PATH_STYLE?: boolean;

  @Expose()
  @IsString()
  S3_PREFIX?: string;

  @Expose()
  @Type(() => Number)
  @IsNumber()
  S3_LINK_TTL?: number;

  @Expose()
  @IsString()
  SUPABASE_URL?: string;

  @Expose()
  @IsString()
  SUPABASE_KEY?: string;

  @Expose()
  @IsString()
  SUPABASE_BUCKET?: string;

  @Expose()
  @IsString()
  SUPABASE_TABLE?: string;

  @Expose()
  @IsIn(['signed', 'public'])
  SUPABASE_LINKS?: 'signed' | 'public';

  @Expose()
  @Type(() => Number)
  @IsNumber()
  SUPABASE_LINK_TTL?: number;
}

/** @throws Error that names the variable */
export function readStorage(env: StorageEnvironment): StorageOptions {
  const supabase = supabaseProject(env);
  const { STORAGE: kind = supabase ? 'supabase' : 'local', SUPABASE_BUCKET: bucket } = env;
  if (kind === 'local') return { kind };
  if (kind === 's3') return readS3(env);
  if (!supabase) throw new Error('Configuration: STORAGE=supabase needs SUPABASE_URL and SUPABASE_KEY.');
  return { kind, ...supabase, bucket, links: env.SUPABASE_LINKS, linkSeconds: env.SUPABASE_LINK_TTL };
}

/** Each ended job gets a row as soon as a Supabase project is known, wherever the files are. */
export function readTable(env: StorageEnvironment): SupabaseTableOptions | undefined {
  const project = supabaseProject(env);
  return project && { ...project, table: env.SUPABASE_TABLE };
}

function supabaseProject({ SUPABASE_URL: url, SUPABASE_KEY: key }: StorageEnvironment) {
  if (url !== undefined && key !== undefined) return { url, key };
  if (url === undefined && key === undefined) return undefined;
  throw new Error('Configuration: SUPABASE_URL and SUPABASE_KEY go together: set both, or none.');
}

function readS3(env: StorageEnvironment): StorageOptions {
  if (env.S3_BUCKET === undefined) throw new Error('Configuration: STORAGE=s3 needs S3_BUCKET.');
  return {
    kind: 's3',
    bucket: env.S3_BUCKET,
    region: env.S3_REGION,
    endpoint: env.S3_ENDPOINT,
    accessKeyId: env.S3_ACCESS_KEY_ID,
    secretAccessKey: env.S3_SECRET_ACCESS_KEY,
    forcePathStyle: env.S3_FORCE_PATH_STYLE,
    prefix: env.S3_PREFIX,
    linkSeconds: env.S3_LINK_TTL,
  };
}
