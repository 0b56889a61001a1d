import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Readable, Transform } from 'node:stream';
import { refusals } from './refusals';

/** The metadata of an upload. */
export interface Described {
  readonly type: string;
  readonly cacheControl: string;
}

export interface StoredObject extends Described {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly etag: string;
  readonly storedAt: Date;
}

export type Right = 'insert' | 'select' | 'update' | 'delete';

export interface Bucket {
  readonly id: string;
  readonly isPublic: boolean;
  readonly sizeLimit?: number;
  /** Such as `image/png`, or `image/*`. */
  readonly allowedTypes?: readonly string[];
  /** Operations that policies allow to keys other than the service role's; default none. */
  readonly rights?: readonly Right[];
  readonly objects: Map<string, StoredObject>;
}

/** Replaces the database and the disk or S3 of the real server: rows in memory, bytes in a folder. */
export class Buckets {
  readonly all = new Map<string, Bucket>();

  private constructor(private readonly folder: string) {}

  static async make(): Promise<Buckets> {
    return new Buckets(await mkdtemp(join(tmpdir(), 'supabase-spec-')));
  }

  add(id: string, rules: Partial<Omit<Bucket, 'id' | 'objects'>> = {}): Bucket {
    if (id.length > 100) throw refusals.bucketName();
    if (this.all.has(id)) throw refusals.bucketThere();
    const bucket: Bucket = { isPublic: false, ...rules, id, objects: new Map() };
    this.all.set(id, bucket);
    return bucket;
  }

  find(id: string): Bucket {
    const bucket = this.all.get(id);
    if (!bucket) throw refusals.noBucket();
    return bucket;
  }

  /** Stores a new version, so that an aborted upload does not change the previous one. */
  async store(bucket: Bucket, name: string, described: Described, bytes: Readable): Promise<StoredObject> {
    const id = randomUUID();
    const path = join(this.folder, id);
    const md5 = createHash('md5');
    let size = 0;
    const measured = new Transform({
      transform(piece: Buffer, _encoding, done) {
        md5.update(piece);
        size += piece.length;
        done(null, piece);
      },
    });
    try {
      await pipeline(bytes, measured, createWriteStream(path));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    await this.remove(bucket, name);
    const object = { ...described, id, name, path, size, etag: `"${md5.digest('hex')}"`, storedAt: new Date() };
    bucket.objects.set(name, object);
    return object;
  }

  async remove(bucket: Bucket, name: string): Promise<StoredObject | undefined> {
    const object = bucket.objects.get(name);
    bucket.objects.delete(name);
    if (object) await rm(object.path);
    return object;
  }

  /** The number of files without a row: running or abandoned uploads. */
  async partialUploads(): Promise<number> {
    const rows = [...this.all.values()].reduce((sum, { objects }) => sum + objects.size, 0);
    return (await readdir(this.folder)).length - rows;
  }

  removeAll(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
