import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { refusals } from './refusals';

export interface StoredObject {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly type: string;
}

export interface Bucket {
  readonly id: string;
  isPublic: boolean;
  sizeLimit?: number;
  allowedTypes?: readonly string[];
  readonly objects: Map<string, StoredObject>;
}

/** What the database and the S3 behind the real server hold: rows here, bytes in a folder. */
export class Buckets {
  readonly all = new Map<string, Bucket>();

  private constructor(private readonly folder: string) {}

  static async make(): Promise<Buckets> {
    return new Buckets(await mkdtemp(join(tmpdir(), 'supabase-spec-')));
  }

  add(id: string, isPublic: boolean): Bucket {
    if (this.all.has(id)) throw refusals.duplicate();
    const bucket: Bucket = { id, isPublic, objects: new Map() };
    this.all.set(id, bucket);
    return bucket;
  }

  find(id: string): Bucket {
    const bucket = this.all.get(id);
    if (!bucket) throw refusals.noBucket();
    return bucket;
  }

  /** Under a version of its own, so that an upload that breaks off touches no other. */
  async store(bucket: Bucket, name: string, type: string, bytes: Readable): Promise<StoredObject> {
    const id = randomUUID();
    const path = join(this.folder, id);
    try {
      await pipeline(bytes, createWriteStream(path));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    await this.remove(bucket, name);
    const object = { id, name, path, type, size: (await stat(path)).size };
    bucket.objects.set(name, object);
    return object;
  }

  async remove(bucket: Bucket, name: string): Promise<StoredObject | undefined> {
    const object = bucket.objects.get(name);
    bucket.objects.delete(name);
    if (object) await rm(object.path);
    return object;
  }

  /** Files without a row: uploads under way, or left behind. */
  async halves(): Promise<number> {
    const rows = [...this.all.values()].reduce((sum, { objects }) => sum + objects.size, 0);
    return (await readdir(this.folder)).length - rows;
  }

  removeAll(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
