import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RestartableServer } from './restartable-server';

/** The package has no types. */
const S3rver = require('@20minutes/s3rver') as new (options: object) => { callback(): RequestListener };

/** The folder of the parts of incomplete uploads. */
const UPLOADS = '._S3rver_uploads';

/**
 * s3rver, an S3 server that checks signatures and keeps its objects in a folder. It lacks AbortMultipartUpload, which is
 * added here, and computes two signatures wrong: of `/bucket/`, the SDK's path of a bucket, and of a query with `'`, as in
 * encoded file names. For these it checks only the access key.
 */
export class S3Server extends RestartableServer {
  readonly accessKeyId = 'S3RVER';
  readonly secretAccessKey = 'S3RVER';
  readonly #s3: RequestListener;
  readonly #lenientS3: RequestListener;
  /** The number of next requests that are refused with 503. */
  faults = 0;
  /** Every received request: method and path with query. */
  readonly requests: string[] = [];

  private constructor(private readonly directory: string) {
    super();
    const options = { directory, silent: true, vhostBuckets: false };
    this.#s3 = new S3rver(options).callback();
    this.#lenientS3 = new S3rver({ ...options, allowMismatchedSignatures: true }).callback();
  }

  static async start(): Promise<S3Server> {
    const server = new S3Server(await mkdtemp(join(tmpdir(), 's3-spec-')));
    await server.listen();
    return server;
  }

  protected serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    const uploadId = url.searchParams.get('uploadId');
    this.requests.push(`${request.method} ${request.url}`);
    if (this.faults > 0) {
      this.faults -= 1;
      response
        .writeHead(503)
        .end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>');
    } else if (request.method === 'DELETE' && uploadId !== null) {
      const [, bucket = ''] = url.pathname.split('/');
      void this.#removeParts(bucket, uploadId).then(() => response.writeHead(204).end());
    } else {
      const isWrong = /^\/[^/]+\/$/.test(url.pathname) || url.search.includes('%27');
      const s3 = isWrong ? this.#lenientS3 : this.#s3;
      s3(request, response);
    }
  }

  /** The number of multipart uploads that were neither completed nor aborted. */
  async unfinished(bucket: string): Promise<number> {
    return (await readdir(join(this.directory, bucket, UPLOADS)).catch(() => [])).length;
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }

  #removeParts(bucket: string, uploadId: string): Promise<void> {
    return rm(join(this.directory, bucket, UPLOADS, uploadId), { recursive: true, force: true });
  }
}
