import type { StorageOptions } from '../../src';
import type { Simulator } from '../../src/simulator';
import { inS3 } from '../storage/places';
import { inSupabase } from '../storage/supabase-places';
import { jobsOf } from '../support/jobs';
import { type Platform, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { noisePicture } from '../support/workflows';

interface ResultJson {
  readonly image: string;
  readonly images: readonly { readonly assetId: string; readonly url: string; readonly base64: string }[];
}

interface Kept {
  readonly storage: StorageOptions;
  readonly outage: { begin(): Promise<void>; end(): Promise<void> };
  remove(): Promise<void>;
}

const PLACES: [name: string, platform: Platform, () => Promise<Kept>][] = [
  [
    'S3',
    'service',
    async () => {
      const place = await inS3();
      return { storage: { kind: 's3', ...place.options }, outage: place.outage!, remove: () => place.remove() };
    },
  ],
  [
    'Supabase Storage',
    'fastify',
    async () => {
      const place = await inSupabase();
      return { storage: { kind: 'supabase', ...place.options }, outage: place.outage!, remove: () => place.remove() };
    },
  ],
];

describe.each(PLACES)('a service with its files in %s', (_name, platform, makePlace) => {
  let comfyUI: Simulator;
  let place: Kept;
  let stack: Stack;
  let seed = 0;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    place = await makePlace();
    stack = await startStack({ baseUrl: comfyUI.url, storage: place.storage, shutdownGrace: 0 }, platform);
  });

  afterAll(async () => {
    await stack.close();
    await comfyUI.close();
    await place.remove();
  });

  const picture = () => noisePicture(++seed, { size: 100, batch: 2 });
  const generate = async (fields: object) =>
    (await (await postJson(`${stack.url}/generate`, { prompt: picture(), ...fields })).json()) as ResultJson;
  const bytesAt = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer());

  it('returns links of the storage, and serves the same bytes itself', async () => {
    const { image, images } = await generate({});
    expect(images).toHaveLength(2);
    for (const { assetId, url, base64 } of images) {
      expect(url.startsWith(stack.url)).toBe(false);
      const bytes = Buffer.from(base64, 'base64');
      expect((await bytesAt(url)).equals(bytes)).toBe(true);
      expect((await bytesAt(`${stack.url}/assets/${assetId}`)).equals(bytes)).toBe(true);
    }
    expect(image).toBe(images[0]!.base64);
    const links = await generate({ response: 'url' });
    expect((await bytesAt(links.image)).subarray(1, 4).toString()).toBe('PNG');
  });

  it('serves a range, and the converted image', async () => {
    const { images } = await generate({ response: 'url' });
    const url = `${stack.url}/assets/${images[0]!.assetId}`;
    const part = await fetch(url, { headers: { Range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'PNG']);
    expect((await fetch(`${url}?format=webp`)).headers.get('content-type')).toBe('image/webp');
  });

  it('fails a job while the storage is unreachable, and collects its files later', async () => {
    await place.outage.begin();
    const jobs = jobsOf(stack);
    const failed = await jobs.ended(await jobs.start(picture()));
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'storage_failed' } });
    await place.outage.end();
    const collected = await fetch(`${stack.url}/jobs/${failed.id}/collect`, { method: 'POST' });
    const { outputs } = (await collected.json()) as { outputs: readonly { assetId: string }[] };
    expect(outputs).toHaveLength(2);
    for (const { assetId } of outputs)
      expect((await bytesAt(`${stack.url}/assets/${assetId}`)).subarray(1, 4).toString()).toBe('PNG');
  }, 60_000);
});

it('does not start with an access key that the storage refuses', async () => {
  const place = await inS3();
  const storage = { kind: 's3', ...place.options, secretAccessKey: 'wrong' } as const;
  const logged = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(startStack({ storage }, 'express')).rejects.toThrow(/check the access key, its secret and the region/);
  logged.mockRestore();
  await place.remove();
});

it('new files cause no look-up in S3, and known ones are stored once', async () => {
  const [comfyUI, place] = [await startComfyUI(), await inS3()];
  const stack = await startStack({ baseUrl: comfyUI.url, storage: { kind: 's3', ...place.options } });
  const methods = () => place.server.requests.splice(0).map((request) => request.split(' ')[0]);
  const prompt = noisePicture(1, { size: 100 });
  methods();
  for (const expected of [['PUT'], ['HEAD']]) {
    expect((await postJson(`${stack.url}/generate`, { prompt })).status).toBe(200);
    expect(methods()).toEqual(expected);
  }
  await stack.close();
  await comfyUI.close();
  await place.remove();
});
