import { randomUUID } from 'node:crypto';
import { StorageClient } from '@supabase/storage-js';
import type { SupabaseStorageOptions } from '../../src/options/supabase.options';
import { supabaseStorage } from '../../src/infrastructure/storage/supabase/supabase-storage';
import type { KeptIn } from '../support/supabase/send';
import { SupabaseStandIn } from '../support/supabase/supabase-stand-in';
import type { StoragePlace } from './places';

export type Links = SupabaseStorageOptions['links'];

interface BucketRules {
  readonly public?: boolean;
  readonly fileSizeLimit?: number;
  readonly allowedMimeTypes?: string[];
}

export interface SupabasePlace extends StoragePlace {
  readonly options: Required<Pick<SupabaseStorageOptions, 'url' | 'key' | 'bucket'>> & { readonly links?: Links };
  /** A key of the project without policies. */
  readonly anonKey: string;
  /** The name of a bucket that does not exist yet and is removed with the storage. */
  newName(): string;
  addBucket(rules?: BucketRules): Promise<string>;
  /** The names of the files in a bucket. */
  namesIn(bucket: string): Promise<string[]>;
}

/** A new project. */
export async function inSupabase({ links, keptIn = 's3' }: { links?: Links; keptIn?: KeptIn } = {}): Promise<
  SupabasePlace & { readonly project: SupabaseStandIn }
> {
  const project = await SupabaseStandIn.start(keptIn);
  const { buckets, url, serviceKey: key, anonKey } = project;
  const namesIn = async (bucket: string) => [...buckets.find(bucket).objects.keys()];
  return {
    ...supabasePlace({ url, key, anonKey, links, namesIn }),
    project,
    partialUploads: () => buckets.partialUploads(),
    outage: { isShort: true, begin: () => project.stop(), end: () => project.listen() },
    remove: async () => {
      await project.stop();
      await buckets.removeAll();
    },
  };
}

/** New buckets in the project of `TEST_SUPABASE_*`. */
export async function inRealSupabase(links?: Links): Promise<SupabasePlace> {
  const {
    TEST_SUPABASE_URL: url = '',
    TEST_SUPABASE_KEY: key = '',
    TEST_SUPABASE_ANON_KEY: anonKey = '',
  } = process.env;
  const client = clientOf(url, key);
  const namesIn = async (bucket: string) => {
    const { data } = await client.from(bucket).listV2({ limit: 1000, with_delimiter: false });
    return (data?.objects ?? []).map(({ name }) => name);
  };
  const names: string[] = [];
  const remove = async () => {
    for (const name of names) {
      await client.emptyBucket(name);
      await client.deleteBucket(name);
    }
  };
  return { ...supabasePlace({ url, key, anonKey, links, namesIn }, names), partialUploads: async () => 0, remove };
}

interface Project {
  readonly url: string;
  readonly key: string;
  readonly anonKey: string;
  readonly links?: Links;
  readonly namesIn: SupabasePlace['namesIn'];
}

function supabasePlace(
  { url, key, anonKey, links, namesIn }: Project,
  names: string[] = [],
): Omit<SupabasePlace, 'partialUploads' | 'remove'> {
  const newName = () => {
    const name = `spec-${randomUUID()}`;
    names.push(name);
    return name;
  };
  const options = { url, key, bucket: newName(), links };
  const another = () => supabaseStorage(options);
  return {
    options,
    anonKey,
    storage: another(),
    another,
    hasLinks: true,
    kept: async () => (await namesIn(options.bucket)).map((name) => name.slice(-64)),
    newName,
    addBucket: async (rules = {}) => {
      const name = newName();
      const { error } = await clientOf(url, key).createBucket(name, { public: false, ...rules });
      if (error) throw error;
      return name;
    },
    namesIn,
  };
}

function clientOf(url: string, key: string): StorageClient {
  return new StorageClient(`${url}/storage/v1`, { apikey: key, authorization: `Bearer ${key}` });
}
