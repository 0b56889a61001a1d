import { ComfyUIError } from '../../src/domain/errors';
import { s3Storage } from '../../src/infrastructure/storage/s3/s3-storage';
import { eventually } from '../support/eventually';
import { describeAssetStorage } from './asset-storage.contract';
import { bytesOf, MIB, NEVER, randomFile, withSource } from './files';
import { inRealS3, inS3 } from './places';

describeAssetStorage('S3', inS3);
if (process.env.TEST_S3_BUCKET) describeAssetStorage('the S3 of TEST_S3_*', inRealS3);

const SECRET = 'a-secret-that-must-not-leak';

describe('a bucket', () => {
  let place: Awaited<ReturnType<typeof inS3>>;

  beforeEach(async () => {
    place = await inS3();
  });

  afterEach(() => place.remove());

  const requests = (method: string) => place.server.requests.filter((request) => request.startsWith(method));

  it('is created if it does not exist, and left empty', async () => {
    await expect(place.storage.put(randomFile(10), NEVER)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('does not exist: check the bucket and the region (NoSuchBucket 404).'),
    });
    await place.storage.check(NEVER);
    expect(await place.kept()).toEqual([]);
    await place.storage.check(NEVER);
    expect(requests('PUT /files/').filter((request) => /files\/(\?|$)/.test(request))).toHaveLength(1);
  });

  it('is created once by concurrently starting processes', async () => {
    await Promise.all(Array.from({ length: 8 }, () => place.another().check(NEVER)));
    expect(await place.kept()).toEqual([]);
  });

  it('stores files under a prefix', async () => {
    await place.storage.check(NEVER);
    const storage = s3Storage({ ...place.options, prefix: 'comfyui/files' });
    const file = randomFile(10);
    await storage.put(file, NEVER);
    const { sha256 } = file;
    expect(requests('PUT').at(-1)).toContain(`/files/comfyui/files/${sha256.slice(0, 2)}/${sha256}`);
    expect((await bytesOf(storage, sha256)).bytes.equals(file.bytes)).toBe(true);
  });

  it('receives a large file in parts, a small one in one request, and none twice', async () => {
    await place.storage.check(NEVER);
    place.server.requests.length = 0;
    const file = randomFile(20 * MIB);
    await place.storage.put(file, NEVER);
    expect(requests('PUT').filter((request) => request.includes('partNumber='))).toHaveLength(3);
    const before = place.server.requests.length;
    await place.storage.put(file, NEVER);
    expect(place.server.requests.slice(before).map((request) => request.split(' ')[0])).toEqual(['HEAD']);
    await place.storage.put(randomFile(MIB), NEVER);
    expect(requests('PUT')).toHaveLength(4);
  });

  it('receives an AbortMultipartUpload for a file whose upload is aborted between its parts', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(20 * MIB);
    const controller = new AbortController();
    const parts = () => requests('PUT').filter((request) => request.includes('partNumber='));
    const slow = withSource(file, async function* () {
      yield file.bytes.subarray(0, 18 * MIB);
      yield file.bytes.subarray(18 * MIB, 19 * MIB);
      await eventually(() => expect(parts()).not.toEqual([]));
      controller.abort(new Error('enough'));
      await new Promise(() => undefined);
    });
    await expect(place.storage.put(slow, controller.signal)).rejects.toThrow('enough');
    await eventually(async () => expect(await place.server.unfinished('files')).toBe(0));
    const [, uploadId] = /uploadId=([^&]+)/.exec(parts()[0]!) ?? [];
    expect(requests('DELETE').filter((request) => request.includes(`uploadId=${uploadId}`))).not.toEqual([]);
  });

  it('that limits the rate is retried, request by request', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(20 * MIB);
    place.server.faults = 3;
    await place.storage.put(file, NEVER);
    place.server.faults = 2;
    expect((await bytesOf(place.storage, file.sha256)).bytes.equals(file.bytes)).toBe(true);
    expect(requests('POST').filter((request) => request.includes('uploads'))).toHaveLength(1);
  });

  it('that keeps limiting the rate fails', async () => {
    await place.storage.check(NEVER);
    place.server.faults = 1_000;
    place.server.requests.length = 0;
    const { sha256 } = randomFile(1);
    await expect(place.storage.open(sha256, { signal: NEVER })).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('limits the rate of requests'),
    });
    expect(requests('GET')).toHaveLength(4);
  });

  it.each([
    ['key', { accessKeyId: 'AKIAWRONG', secretAccessKey: SECRET }, /InvalidAccessKeyId/],
    ['secret', { secretAccessKey: SECRET }, /SignatureDoesNotMatch/],
  ])('refuses a wrong %s, at once and without its value in the error', async (_what, wrong, name) => {
    await place.storage.check(NEVER);
    const storage = s3Storage({ ...place.options, ...wrong });
    place.server.requests.length = 0;
    const error = await storage.check(NEVER).catch((thrown: unknown) => thrown as ComfyUIError);
    expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringMatching(name) });
    expect(error?.message).toContain('check the access key, its secret and the region');
    const { cause } = error as ComfyUIError;
    expect(`${error?.stack} ${JSON.stringify(error)} ${JSON.stringify(cause)} ${String(cause)}`).not.toContain(SECRET);
    expect(Object.keys(cause as object)).toEqual(['name']);
    expect(place.server.requests.length).toBeLessThan(4);
  });

  it('refuses a modified link', async () => {
    await place.storage.check(NEVER);
    const file = randomFile(10);
    await place.storage.put(file, NEVER);
    const link = await place.storage.link(
      file.sha256,
      { filename: 'a b.png', mediaType: 'image/png', inline: true },
      NEVER,
    );
    const response = await fetch(link!);
    expect(response.headers.get('content-disposition')).toBe('inline; filename="a b.png"');
    expect(new URL(link!).searchParams.get('X-Amz-Expires')).toBe('3600');
    expect((await fetch(link!.replace('a%20b.png', 'c.png'))).status).toBe(403);
    expect((await fetch(link!.replace('Expires=3600', 'Expires=9999'))).status).toBe(403);
  });
});

it.each([
  [{ bucket: 'no/bucket' }, 'storage.bucket'],
  [{ endpoint: `https://user:${SECRET}@example.com` }, 'storage.endpoint'],
  [{ endpoint: SECRET }, 'storage.endpoint'],
  [{ accessKeyId: SECRET }, 'storage.accessKeyId'],
  [{ secretAccessKey: SECRET }, 'storage.secretAccessKey'],
  [{ linkSeconds: 700_000 }, 'storage.linkSeconds'],
])('refuses %j and names the option, not the value', (wrong, option) => {
  const act = () => s3Storage({ bucket: 'files', ...wrong });
  expect(act).toThrow(`option ${option} `);
  expect(act).not.toThrow(SECRET);
});

it('the error names the missing packages', () => {
  jest.isolateModules(() => {
    jest.doMock('@aws-sdk/client-s3', () => {
      throw Object.assign(new Error("Cannot find module '@aws-sdk/client-s3'"), { code: 'MODULE_NOT_FOUND' });
    });
    const path = '../../src/infrastructure/storage/s3/s3-storage';
    const without = jest.requireActual<{ s3Storage: typeof s3Storage }>(path);
    expect(() => without.s3Storage({ bucket: 'files' })).toThrow('npm install @aws-sdk/client-s3 @aws-sdk/lib-storage');
  });
});
