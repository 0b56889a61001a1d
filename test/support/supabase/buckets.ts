import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Readable, Transform } from 'node:stream';
import { refusals } from './refusals';

/** What an upload tells of its bytes. */
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
  /** As `image/png`, or `image/*`. */
  readonly allowedTypes?: readonly string[];
  /** What policies let keys do that are not the service role's; default nothing. */
  readonly rights?: readonly Right[];
  readonly objects: Map<string, StoredObject>;
}

/** What the database and the disk or S3 behind the real server hold: rows here, bytes in a folder. */
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

  /** Under a version of its own, so that an upload that breaks off touches no other. */
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

  /** Files without a row: uploads under way, or left behind. */
  async partialUploads(): Promise<number> {
    const rows = [...this.all.values()].reduce((sum, { objects }) => sum + objects.size, 0);
    return (await readdir(this.folder)).length - rows;
  }

  removeAll(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
