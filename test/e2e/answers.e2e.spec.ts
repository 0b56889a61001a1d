import sharp from 'sharp';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { jobsOf } from '../support/jobs';
import { trackConversions } from '../support/pictures';
import { allEvents } from '../support/sse';
import { PLATFORMS, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { anything, flatPicture, noisePicture } from '../support/workflows';

interface FileJson {
  readonly assetId: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly url: string;
  readonly width?: number;
  readonly base64?: string;
}

interface ResultJson {
  readonly image: string | null;
  readonly images: readonly FileJson[];
  readonly files: readonly FileJson[];
}

let comfyUI: Simulator;
let color = 0x123456;

beforeAll(async () => {
  comfyUI = await startComfyUI();
});

afterAll(() => comfyUI.close());

const bytesOf = (base64: string | null | undefined) => Buffer.from(base64 ?? '', 'base64');

describe.each(PLATFORMS)('the files in the response of POST /generate, on %s', (platform) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack({ baseUrl: comfyUI.url, generateTimeout: 30 }, platform);
  });

  afterAll(() => stack.close());

  const generate = (fields: object, accept?: string) =>
    postJson(`${stack.url}/generate`, { prompt: flatPicture(++color), ...fields }, { accept });

  const resultOf = async (fields: object) => (await (await generate(fields)).json()) as ResultJson;

  /** Links are paths of the requested server. */
  const fetched = (url: string) => fetch(new URL(url, stack.url));

  const refusal = async (fields: object) => {
    const response = await generate(fields);
    return [response.status, ((await response.json()) as { message: string }).message];
  };

  it('have links beside their bytes', async () => {
    const { image, images } = await resultOf({ prompt: flatPicture(++color, { batch: 2 }) });
    expect(image).toBe(images[0]?.base64);
    for (const file of images) {
      expect(file.url).toBe(`${new URL(stack.url).pathname.replace(/\/$/, '')}/assets/${file.assetId}`);
      expect(Buffer.from(await (await fetched(file.url)).arrayBuffer()).equals(bytesOf(file.base64))).toBe(true);
    }
  });

  it('are the bytes of the converted image, for Accept: image/*', async () => {
    const response = await generate({ output: { format: 'webp' }, response: 'url' }, 'image/*');
    expect(response.headers.get('content-type')).toBe('image/webp');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect((await sharp(bytes).metadata()).format).toBe('webp');
  });

  it('release the converted image after it is sent or the client disconnects', async () => {
    const conversions = trackConversions(stack);
    const fields = { output: { format: 'png' }, prompt: noisePicture(++color, { size: 1500, batch: 2 }) };
    await resultOf(fields);
    for (const accept of ['image/*', 'text/event-stream']) await (await generate(fields, accept)).arrayBuffer();
    await eventually(() => expect(conversions.open).toBe(0));
    expect(conversions.total).toBe(6);
    const controller = new AbortController();
    const { signal } = controller;
    await postJson(`${stack.url}/generate`, { ...fields, cancelOnDisconnect: false }, { signal });
    expect(conversions.open).toBe(2);
    controller.abort();
    await eventually(() => expect(conversions.open).toBe(0));
    conversions.restore();
  });

  it('are links and converted images in a stream as well, and links in its result', async () => {
    const stream = await generate({ output: { format: 'jpeg' } }, 'text/event-stream');
    const events = await allEvents(stream);
    const output = events.find(({ event }) => event === 'output')!.data as unknown as FileJson;
    expect((await sharp(bytesOf(output.base64)).metadata()).format).toBe('jpeg');
    expect(events.at(-1)).toMatchObject({
      event: 'result',
      data: { images: [{ url: output.url, mediaType: 'image/jpeg' }] },
    });
    const links = await allEvents(await generate({ response: 'url' }, 'text/event-stream'));
    expect(JSON.stringify(links.filter(({ event }) => event !== 'preview'))).not.toContain('base64');
    expect(links.at(-1)).toMatchObject({
      event: 'result',
      data: { images: [{ url: expect.stringContaining('/assets/') }] },
    });
  });

  if (platform !== 'service') return;

  it('are only links with response: url', async () => {
    const result = await resultOf({ response: 'url', prompt: flatPicture(++color, { batch: 2 }) });
    expect(JSON.stringify(result)).not.toContain('base64');
    expect(result.image).toBe(result.images[0]?.url);
    expect(result.images).toHaveLength(2);
    const file = await fetched(result.images[1]!.url);
    expect(file.headers.get('content-length')).toBe(String(result.images[1]!.sizeBytes));
  });

  it('have a null image if the run produced none', async () => {
    const prompt = anything([{ key: 'a', filename: 'a.glb', bytes: 100 }], ++color);
    const result = await resultOf({ response: 'url', prompt });
    expect(result).toMatchObject({ image: null, images: [], files: [{ mediaType: 'model/gltf-binary' }] });
  });

  it.each(['png', 'jpeg', 'webp'] as const)('are converted to %s', async (format) => {
    const prompt = {
      ...flatPicture(++color),
      '3': { ...anything([{ key: 'x', filename: 'x.svg', content: '<svg/>' }])['1']! },
    };
    const result = await resultOf({ prompt, output: { format, quality: 90 } });
    const [file] = result.images;
    const image = bytesOf(file?.base64);
    expect(bytesOf(result.image).equals(image)).toBe(true);
    expect(file).toMatchObject({ mediaType: `image/${format}`, sizeBytes: image.length, width: 64, height: 48 });
    const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([64, 48]);
    const wanted = [color >> 16, (color >> 8) & 255, color & 255];
    for (const [index, value] of wanted.entries()) expect(Math.abs(data[index]! - value)).toBeLessThan(8);
    expect((await sharp(image).metadata()).format).toBe(format);
    const again = await fetched(file!.url);
    expect(again.headers.get('content-type')).toBe(`image/${format}`);
    expect(Buffer.from(await again.arrayBuffer()).equals(image)).toBe(true);
  });

  it('are smaller with a lower quality, while the stored file does not change', async () => {
    const [fine, coarse] = await Promise.all(
      [95, 10].map((quality) =>
        resultOf({ prompt: noisePicture(5, { size: 128 }), output: { format: 'jpeg', quality } }),
      ),
    );
    expect(coarse!.images[0]!.sizeBytes).toBeLessThan(fine!.images[0]!.sizeBytes / 2);
    const stored = await fetched(new URL(fine!.images[0]!.url, stack.url).pathname);
    expect(stored.headers.get('content-type')).toBe('image/png');
  });

  it('are found by their label', async () => {
    const label = `portrait ${platform}`;
    const { images } = await resultOf({ label });
    await resultOf({ label: 'another' });
    const page = (await (await fetch(`${stack.url}/assets?label=${encodeURIComponent(label)}`)).json()) as {
      assets: { id: string }[];
    };
    expect(page.assets.map(({ id }) => id)).toEqual([images[0]!.assetId]);
  });

  it('have the same links in the job', async () => {
    const id = await jobsOf(stack).start(flatPicture(++color));
    const { outputs } = await jobsOf(stack).ended(id);
    const [file] = outputs;
    expect((await fetched(file!.url)).status).toBe(200);
  });

  it.each<[object, RegExp]>([
    [{ response: 'bytes' }, /response must be one of the following values: base64, url/],
    [{ output: { format: 'bmp' } }, /output\.format must be one of/],
    [{ output: { format: 'jpeg', quality: 101 } }, /output\.quality must not be greater than 100/],
    [{ output: {} }, /output\.format must be/],
    [{ output: 'webp' }, /output must be an object/],
    [{ output: [{ format: 'webp' }] }, /output must be an object/],
    [{ label: '' }, /label must be longer/],
    [{ label: 'x'.repeat(101) }, /label must be shorter/],
    [{ label: 5 }, /label must be/],
    [{ keepPreviews: 'yes' }, /keepPreviews must be a boolean/],
  ])('are refused with %j', async (fields, sentence) => {
    expect(await refusal(fields)).toEqual([400, expect.stringMatching(sentence)]);
  });
});

describe('links', () => {
  it('start with the public URL, for any requested host', async () => {
    const stack = await startStack(
      { baseUrl: comfyUI.url, publicUrl: 'https://pictures.example.com/comfy/' },
      'service',
    );
    const headers = { Host: 'evil.example' };
    const body = { prompt: flatPicture(++color), response: 'url' };
    const { image } = (await (await postJson(`${stack.url}/generate`, body, { headers })).json()) as ResultJson;
    expect(image).toMatch(/^https:\/\/pictures\.example\.com\/comfy\/assets\/[0-9a-f-]{36}$/);
    const file = await fetch(`${stack.url}/assets/${image!.split('/').at(-1)}`);
    expect(file.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    await stack.close();
  });
});
