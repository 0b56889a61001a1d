import sharp from 'sharp';
import type { Simulator } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { jobsOf } from '../support/jobs';
import { watchPictures } from '../support/pictures';
import { allEvents } from '../support/sse';
import { type Platform, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { anything, flatPicture, noisePicture } from '../support/workflows';

interface Told {
  readonly assetId: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly url: string;
  readonly width?: number;
  readonly base64?: string;
}

interface Answer {
  readonly image: string | null;
  readonly images: readonly Told[];
  readonly files: readonly Told[];
}

let comfyUI: Simulator;
let color = 0x123456;

beforeAll(async () => {
  comfyUI = await startComfyUI();
});

afterAll(() => comfyUI.close());

const bytesOf = (base64: string | null | undefined) => Buffer.from(base64 ?? '', 'base64');

describe.each<Platform>(['service', 'express', 'fastify'])(
  'what POST /generate answers of files, on %s',
  (platform) => {
    let stack: Stack;

    beforeAll(async () => {
      stack = await startStack({ baseUrl: comfyUI.url, generateTimeout: 30 }, platform);
    });

    afterAll(() => stack.close());

    const generate = (fields: object, accept?: string) =>
      postJson(`${stack.url}/generate`, { prompt: flatPicture(++color), ...fields }, { accept });
    const answerTo = async (fields: object) => (await (await generate(fields)).json()) as Answer;
    /** Links are paths of the server that was asked. */
    const fetched = (url: string) => fetch(new URL(url, stack.url));
    const refusal = async (fields: object) => {
      const response = await generate(fields);
      return [response.status, ((await response.json()) as { message: string }).message];
    };

    it('has a link to each file, beside its bytes', async () => {
      const { image, images } = await answerTo({ prompt: flatPicture(++color, { batch: 2 }) });
      expect(image).toBe(images[0]?.base64);
      for (const told of images) {
        expect(told.url).toBe(`${new URL(stack.url).pathname.replace(/\/$/, '')}/assets/${told.assetId}`);
        expect(Buffer.from(await (await fetched(told.url)).arrayBuffer()).equals(bytesOf(told.base64))).toBe(true);
      }
    });

    it('is only the links, when that was asked for', async () => {
      const answer = await answerTo({ response: 'url', prompt: flatPicture(++color, { batch: 2 }) });
      expect(JSON.stringify(answer)).not.toContain('base64');
      expect(answer.image).toBe(answer.images[0]?.url);
      expect(answer.images).toHaveLength(2);
      const file = await fetched(answer.images[1]!.url);
      expect(file.headers.get('content-length')).toBe(String(answer.images[1]!.sizeBytes));
    });

    it('is nothing but null, when no image was made', async () => {
      const prompt = anything([{ key: 'a', filename: 'a.glb', bytes: 100 }], ++color);
      const answer = await answerTo({ response: 'url', prompt });
      expect(answer).toMatchObject({ image: null, images: [], files: [{ mediaType: 'model/gltf-binary' }] });
    });

    it.each(['png', 'jpeg', 'webp'] as const)('is converted to %s before', async (format) => {
      const prompt = {
        ...flatPicture(++color),
        '3': { ...anything([{ key: 'x', filename: 'x.svg', content: '<svg/>' }])['1']! },
      };
      const answer = await answerTo({ prompt, output: { format, quality: 90 } });
      const [told] = answer.images;
      const picture = bytesOf(told?.base64);
      expect(bytesOf(answer.image).equals(picture)).toBe(true);
      expect(told).toMatchObject({ mediaType: `image/${format}`, sizeBytes: picture.length, width: 64, height: 48 });
      const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height]).toEqual([64, 48]);
      const wanted = [color >> 16, (color >> 8) & 255, color & 255];
      for (const [index, value] of wanted.entries()) expect(Math.abs(data[index]! - value)).toBeLessThan(8);
      expect((await sharp(picture).metadata()).format).toBe(format);
      const again = await fetched(told!.url);
      expect(again.headers.get('content-type')).toBe(`image/${format}`);
      expect(Buffer.from(await again.arrayBuffer()).equals(picture)).toBe(true);
    });

    it('is smaller for a lower quality, and what is stored stays as it was', async () => {
      const [fine, coarse] = await Promise.all(
        [95, 10].map((quality) =>
          answerTo({ prompt: noisePicture(5, { size: 128 }), output: { format: 'jpeg', quality } }),
        ),
      );
      expect(coarse!.images[0]!.sizeBytes).toBeLessThan(fine!.images[0]!.sizeBytes / 2);
      const stored = await fetched(new URL(fine!.images[0]!.url, stack.url).pathname);
      expect(stored.headers.get('content-type')).toBe('image/png');
    });

    it('is the converted picture and nothing else, for Accept: image/*', async () => {
      const response = await generate({ output: { format: 'webp' }, response: 'url' }, 'image/*');
      expect(response.headers.get('content-type')).toBe('image/webp');
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(response.headers.get('content-length')).toBe(String(bytes.length));
      expect((await sharp(bytes).metadata()).format).toBe('webp');
    });

    it('holds no converted picture when it was sent, or its caller has gone', async () => {
      const pictures = watchPictures(stack);
      const fields = { output: { format: 'png' }, prompt: noisePicture(++color, { size: 1500, batch: 2 }) };
      await answerTo(fields);
      for (const accept of ['image/*', 'text/event-stream']) await (await generate(fields, accept)).arrayBuffer();
      await eventually(() => expect(pictures.held).toBe(0));
      expect(pictures.given).toBe(6);
      const gone = new AbortController();
      const { signal } = gone;
      await postJson(`${stack.url}/generate`, { ...fields, cancelOnDisconnect: false }, { signal });
      expect(pictures.held).toBe(2);
      gone.abort();
      await eventually(() => expect(pictures.held).toBe(0));
      pictures.unwatch();
    });

    it('is links and converted pictures in a stream too, and its result has the links', async () => {
      const stream = await generate({ output: { format: 'jpeg' } }, 'text/event-stream');
      const events = await allEvents(stream);
      const output = events.find(({ event }) => event === 'output')!.data as unknown as Told;
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

    it('is found by its label', async () => {
      const label = `portrait ${platform}`;
      const { images } = await answerTo({ label });
      await answerTo({ label: 'another' });
      const page = (await (await fetch(`${stack.url}/assets?label=${encodeURIComponent(label)}`)).json()) as {
        assets: { id: string }[];
      };
      expect(page.assets.map(({ id }) => id)).toEqual([images[0]!.assetId]);
    });

    it('has the same links in the job', async () => {
      const id = await jobsOf(stack).start(flatPicture(++color));
      const { outputs } = await jobsOf(stack).ended(id);
      const [told] = outputs;
      expect((await fetched(told!.url)).status).toBe(200);
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
    ])('is a refusal of %j', async (fields, sentence) => {
      expect(await refusal(fields)).toEqual([400, expect.stringMatching(sentence)]);
    });
  },
);

describe('links', () => {
  it('start with the public URL, whatever host was asked', async () => {
    const stack = await startStack(
      { baseUrl: comfyUI.url, publicUrl: 'https://pictures.example.com/comfy/' },
      'service',
    );
    const headers = { Host: 'evil.example' };
    const body = { prompt: flatPicture(++color), response: 'url' };
    const { image } = (await (await postJson(`${stack.url}/generate`, body, { headers })).json()) as Answer;
    expect(image).toMatch(/^https:\/\/pictures\.example\.com\/comfy\/assets\/[0-9a-f-]{36}$/);
    const file = await fetch(`${stack.url}/assets/${image!.split('/').at(-1)}`);
    expect(file.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    await stack.close();
  });
});
