import sharp from 'sharp';
import type { Simulator } from '../../src/simulator';
import { allEvents } from '../support/sse';
import { PLATFORMS, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { anything, flatPicture, noisePicture, slowPicture } from '../support/workflows';

interface ResultJson {
  readonly id: string;
  readonly image: string | null;
  readonly images: {
    nodeId: string;
    filename: string;
    mediaType: string;
    width: number;
    height: number;
    sizeBytes: number;
    base64: string;
  }[];
  readonly files: { filename: string; mediaType: string; sizeBytes: number; base64: string }[];
  readonly texts: { nodeId: string; text: string }[];
  readonly attempts: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The first pixel of an encoded image. */
async function pixel(image: Buffer): Promise<number[]> {
  return [...(await sharp(image).removeAlpha().raw().toBuffer()).subarray(0, 3)];
}

describe.each(PLATFORMS)('POST /generate on %s', (platform) => {
  let comfyUI: Simulator;
  let stack: Stack;
  const generate = (body: unknown, accept?: string) => postJson(`${stack.url}/generate`, body, { accept });

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    stack = await startStack({ baseUrl: comfyUI.url }, platform);
  });

  afterAll(async () => {
    await stack.close();
    await comfyUI.close();
  });

  it('responds with the image as base64 in JSON', async () => {
    const response = await generate({ prompt: flatPicture(0x102030) });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const text = await response.text();
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    const result = JSON.parse(text) as ResultJson;
    expect(Object.keys(result)[0]).toBe('image');
    expect(result).toMatchObject({ id: expect.stringMatching(UUID), files: [], texts: [], attempts: 1 });
    expect(result.images).toEqual([
      expect.objectContaining({ nodeId: '2', mediaType: 'image/png', width: 64, height: 48, base64: result.image }),
    ]);
    const png = Buffer.from(result.image ?? '', 'base64');
    expect(png).toHaveLength(result.images[0]?.sizeBytes ?? -1);
    expect(await pixel(png)).toEqual([0x10, 0x20, 0x30]);
    expect(response.headers.get('x-job-id')).toBe(result.id);
  });

  it('responds with the bytes of the first image, for Accept: image/png', async () => {
    const response = await generate({ prompt: flatPicture(0x405060, { batch: 2 }) }, 'image/png');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('x-job-id')).toMatch(UUID);
    const png = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe(String(png.length));
    expect(await pixel(png)).toEqual([0x40, 0x50, 0x60]);
  });

  it('streams progress, previews, outputs and the result, for Accept: text/event-stream', async () => {
    const response = await generate({ prompt: slowPicture(0x708090, { seconds: 0, steps: 5 }) }, 'text/event-stream');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events = await allEvents(response);
    const progress = events.filter(({ event }) => event === 'progress').map(({ data }) => data);
    expect(progress[0]).toMatchObject({
      id: response.headers.get('x-job-id'),
      status: 'queued',
      value: 0,
      nodesTotal: 3,
    });
    const values = progress.map(({ value }) => Number(value));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(progress.at(-1)).toMatchObject({ status: 'succeeded', value: 1, nodesDone: 3 });
    const output = events.find(({ event }) => event === 'output')?.data;
    expect(await pixel(Buffer.from(String(output?.base64), 'base64'))).toEqual([0x70, 0x80, 0x90]);
    const result = events.at(-1);
    expect(result?.event).toBe('result');
    expect(result?.data).toMatchObject({
      images: [{ filename: output?.filename, sizeBytes: output?.sizeBytes }],
      texts: [],
    });
    expect(JSON.stringify(result?.data)).not.toContain('base64');
  });

  it('sends large images completely', async () => {
    const { images } = (await (
      await generate({ prompt: noisePicture(1, { size: 1400, batch: 2 }) })
    ).json()) as ResultJson;
    for (const { base64, sizeBytes } of images) {
      const png = Buffer.from(base64, 'base64');
      expect(png).toHaveLength(sizeBytes);
      expect(await sharp(png).metadata()).toMatchObject({ width: 1400, height: 1400 });
    }
    expect(images).toHaveLength(2);
  });

  if (platform !== 'service') return;

  it('returns all images in the order of the submitted nodes, then of the items', async () => {
    const prompt = {
      a: { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 2, color: 1 } },
      last: { class_type: 'SaveImage', inputs: { images: ['a', 0], filename_prefix: 'last' } },
      b: { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 2 } },
      first: { class_type: 'SaveImage', inputs: { images: ['b', 0], filename_prefix: 'first' } },
      seen: { class_type: 'PreviewImage', inputs: { images: ['b', 0] } },
    };
    const { images } = (await (await generate({ prompt })).json()) as ResultJson;
    expect(images.map(({ filename }) => filename)).toEqual(['last_00001_.png', 'last_00002_.png', 'first_00001_.png']);
  });

  it('returns temporary images if there are no others', async () => {
    const prompt = {
      '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color: 77 } },
      '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
    };
    const { images } = (await (await generate({ prompt })).json()) as ResultJson;
    expect(images.map(({ filename }) => filename)).toEqual([expect.stringContaining('ComfyUI_temp_')]);
  });

  it('finds video, audio, 3D and texts under any key, in subfolders and of zero bytes', async () => {
    const items = [
      { key: 'gifs', filename: 'a.mp4', bytes: 2000, format: 'video/h264-mp4', subfolder: 'vhs' },
      { key: 'audio', filename: 'b.flac', bytes: 10 },
      { key: '3d', filename: 'c.glb', bytes: 0 },
      { key: 'text', value: 'a lighthouse' },
    ];
    const result = (await (await generate({ prompt: anything(items) })).json()) as ResultJson;
    expect(result.image).toBeNull();
    expect(result.images).toEqual([]);
    expect(result.files.map(({ filename, sizeBytes }) => [filename, sizeBytes])).toEqual([
      ['a.mp4', 2000],
      ['b.flac', 10],
      ['c.glb', 0],
    ]);
    expect(result.files[0]?.mediaType).toBe('video/mp4');
    expect(Buffer.from(result.files[0]?.base64 ?? '', 'base64')).toHaveLength(2000);
    expect(result.texts).toEqual([{ nodeId: '1', text: 'a lighthouse' }]);
  });

  it('fails if an image was requested and the run produced none', async () => {
    const response = await generate({ prompt: anything([{ key: 'text', value: 'x' }], 2) }, 'image/*');
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      code: 'invalid_workflow',
      message: expect.stringContaining('SaveImage'),
    });
  });

  it('returns the image of a cached run', async () => {
    const prompt = flatPicture(0x999999);
    const [first, second] = [await (await generate({ prompt })).json(), await (await generate({ prompt })).json()] as [
      ResultJson,
      ResultJson,
    ];
    const withoutIds = ({ images }: ResultJson) => images.map((image) => ({ ...image, assetId: '', url: '' }));
    expect(withoutIds(second)).toEqual(withoutIds(first));
    expect(second.id).not.toBe(first.id);
  });

  it('serves many concurrent requests, each with its own image', async () => {
    const colors = Array.from({ length: 40 }, (_, i) => [i, 255 - i, 7]);
    const images = await Promise.all(
      colors.map(async ([r = 0, g = 0, b = 0]) =>
        (await generate({ prompt: flatPicture((r << 16) | (g << 8) | b) }, 'image/png')).arrayBuffer(),
      ),
    );
    expect(await Promise.all(images.map((bytes) => pixel(Buffer.from(bytes))))).toEqual(colors);
  });
});

it('numeric node ids keep their submitted order through the service', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url }, 'service');
  const save = (prefix: string) =>
    `{"class_type":"SaveImage","inputs":{"images":["5",0],"filename_prefix":"${prefix}"}}`;
  const source = '{"class_type":"EmptyImage","inputs":{"width":8,"height":8,"batch_size":1,"color":3}}';
  const body = `{"prompt":{"12":${save('a')},"3":${save('b')},"5" :${source},"x\\"1\\"":${save('c')},"1":${save('d')}}}`;
  const { images } = (await (await postJson(`${stack.url}/generate`, body)).json()) as ResultJson;
  expect(images.map(({ nodeId }) => nodeId)).toEqual(['12', '3', 'x"1"', '1']);
  await stack.close();
  await comfyUI.close();
});

describe('seeds beyond 2^53', () => {
  let comfyUI: Simulator;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
  });

  afterAll(() => comfyUI.close());

  const seedInHistory = async (id: string) =>
    /"seed":\s*"?(\d+)/.exec(await (await fetch(`${comfyUI.url}/history/${id}`)).text())?.[1];
  const body = (seed: string) => JSON.stringify({ prompt: noisePicture(0) }).replace('"seed":0', `"seed":${seed}`);

  it('reach ComfyUI exactly through the service', async () => {
    const stack = await startStack({ baseUrl: comfyUI.url }, 'service');
    const response = await postJson(`${stack.url}/generate`, body('18446744073709551615'));
    expect(response.status).toBe(200);
    expect(await seedInHistory(response.headers.get('x-job-id') ?? '')).toBe('18446744073709551615');
    await stack.close();
  });

  it('are refused in a host application whose parser rounded them, and accepted as text', async () => {
    const stack = await startStack({ baseUrl: comfyUI.url }, 'express');
    const rounded = await postJson(`${stack.url}/generate`, body('18446744073709551615'));
    expect(rounded.status).toBe(400);
    expect(await rounded.json()).toMatchObject({
      message: expect.stringContaining('send it as a string'),
      details: { nodeId: '1', input: 'seed' },
    });
    const text = await postJson(`${stack.url}/generate`, body('"18446744073709551614"'));
    expect(await seedInHistory(text.headers.get('x-job-id') ?? '')).toBe('18446744073709551614');
    await stack.close();
  });
});
