import { randomInt } from 'node:crypto';
import sharp from 'sharp';
import { get, historyWhenThere, PromptBody, RawClient } from './support/raw-client';
import { useServer } from './support/server';
import { flatPicture } from './support/workflows';

const server = useServer();

interface FileReference extends Record<string, string> {
  filename: string;
  subfolder: string;
  type: string;
}

const view = (
  reference: Record<string, string>,
  init: { method?: string; headers?: Record<string, string> } = {},
): Promise<Response> => {
  const headers = { ...server().headers, ...init.headers };
  return fetch(`${server().url}/api/view?${new URLSearchParams(reference).toString()}`, { ...init, headers });
};

const bytes = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

/** Runs a prompt and returns the files of one of its nodes. */
async function filesOf(prompt: PromptBody['prompt'], nodeId = '2'): Promise<FileReference[]> {
  const client = await RawClient.connect(server());
  const { promptId } = await client.run({ prompt });
  await client.close();
  const { outputs } = (await historyWhenThere(server(), promptId)) as {
    outputs: Record<string, { images: FileReference[] }>;
  };
  return outputs[nodeId]?.images ?? [];
}

const one = async (prompt = flatPicture()): Promise<FileReference> => (await filesOf(prompt))[0]!;

describe('/view', () => {
  it('sends the file with its type, a tag and support for ranges', async () => {
    const file = await one();
    const response = await view(file);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': `filename="${file.filename}"`,
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]+-[0-9a-f]+"$/) as string,
    });
    const png = await bytes(response);
    expect(png.length).toBe(Number(response.headers.get('content-length')));
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 64, height: 64, channels: 3 });
  });

  it('sends a range, with the size of the file', async () => {
    const file = await one();
    const whole = await bytes(await view(file));
    const part = await view(file, { headers: { Range: 'bytes=10-19' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 10-19/${whole.length}`]);
    expect(await bytes(part)).toEqual(whole.subarray(10, 20));
    const tail = await view(file, { headers: { Range: 'bytes=-5' } });
    expect(await bytes(tail)).toEqual(whole.subarray(-5));
    expect((await view(file, { headers: { Range: `bytes=${whole.length}-` } })).status).toBe(416);
  });

  it('answers 304 for a known tag', async () => {
    const file = await one();
    const { headers } = await view(file);
    const again = await view(file, { headers: { 'If-None-Match': headers.get('etag') ?? '' } });
    expect([again.status, (await bytes(again)).length]).toEqual([304, 0]);
  });

  it('answers HEAD with the size and no body', async () => {
    const file = await one();
    const response = await view(file, { method: 'HEAD' });
    const { length } = await bytes(await view(file));
    expect([response.status, Number(response.headers.get('content-length'))]).toEqual([200, length]);
  });

  it.each([
    ['webp;50', 'image/webp', 'webp'],
    ['jpeg', 'image/jpeg', 'jpeg'],
    ['gif', 'image/webp', 'webp'],
  ])('encodes a preview as %s', async (preview, type, format) => {
    const response = await view({ ...(await one()), preview });
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('etag')).toBeNull();
    expect((await sharp(await bytes(response)).metadata()).format).toBe(format);
  });

  it.each([
    ['rgb', 3],
    ['a', 4],
  ])('sends the channels %s', async (channel, channels) => {
    const response = await view({ ...(await one()), channel });
    expect((await sharp(await bytes(response)).metadata()).channels).toBe(channels);
  });

  it.each([
    ['filename=', 400],
    ['', 404],
    ['filename=no-such-file.png', 404],
    ['filename=/etc/passwd', 400],
    ['filename=..%2F..%2Fetc%2Fpasswd', 400],
    ['filename=a..b.png', 400],
    ['filename=a.png&type=nonsense', 400],
    ['filename=a.png&subfolder=..', 403],
    ['filename=passwd&subfolder=%2Fetc', 403],
    ['filename=a.png&subfolder=x%2F..%2F..', 403],
    ['filename=no-such-file.png%20[temp]', 404],
  ])('refuses %s with %i and an empty body', async (query, status) => {
    expect(await get(server(), `/view?${query}`)).toEqual({ status, body: '' });
  });
});

describe('saved images', () => {
  it('have ascending numbers, and consecutive ones in a batch', async () => {
    const prefix = `contract-${randomInt(2 ** 40)}`;
    const batch = flatPicture({ prefix });
    batch['1']!.inputs['batch_size'] = 2;
    const names = (await filesOf(batch)).map(({ filename }) => filename);
    names.push((await one(flatPicture({ prefix }))).filename);
    expect(names).toEqual([1, 2, 3].map((n) => `${prefix}_0000${n}_.png`));
  });

  it('are saved in folders of the prefix, with their size if the prefix contains it', async () => {
    const file = await one(flatPicture({ prefix: 'contract/./x/../deep/%width%x%height%_%unknown%' }));
    expect(file).toMatchObject({ subfolder: 'contract/deep', type: 'output' });
    expect(file.filename).toMatch(/^64x64_%unknown%_\d{5}_\.png$/);
    expect((await view(file)).status).toBe(200);
  });

  it('are refused outside the output folder', async () => {
    const client = await RawClient.connect(server());
    const { promptId } = await client.run({ prompt: flatPicture({ prefix: '../../contract-escape' }) });
    const { status } = (await historyWhenThere(server(), promptId)) as {
      status: { status_str: string; messages: [string, { exception_message: string }][] };
    };
    expect(status.status_str).toBe('error');
    expect(status.messages.at(-1)?.[1].exception_message).toContain('outside the output folder is not allowed');
    await client.close();
  });

  it('contain the graph and every key of extra_pnginfo before their pixels', async () => {
    const client = await RawClient.connect(server());
    const prompt = flatPicture();
    const { promptId } = await client.run({
      prompt,
      extra_data: { extra_pnginfo: { workflow: { é: 1 }, other: [2] } },
    });
    const { outputs } = (await historyWhenThere(server(), promptId)) as {
      outputs: Record<string, { images: FileReference[] }>;
    };
    const png = await bytes(await view(outputs['2']!.images[0]!));
    const texts = textChunks(png);
    expect(JSON.parse(texts.get('prompt') ?? '')).toEqual(prompt);
    expect(texts.get('workflow')).toBe('{"\\u00e9": 1}');
    expect(texts.get('other')).toBe('[2]');
    expect(png.indexOf('tEXt')).toBeLessThan(png.indexOf('IDAT'));
    await client.close();
  });

  it('have the pixels that the nodes computed', async () => {
    const flat = (color: number, width = 32) => ({
      class_type: 'EmptyImage',
      inputs: { width, height: 16, batch_size: 1, color },
    });
    const blend = { image1: ['1', 0], image2: ['2', 0], blend_factor: 0.5, blend_mode: 'multiply' };
    const file = await filesOf(
      {
        '1': flat(0x80c0ff),
        '2': flat(0xff8000, 64),
        '3': { class_type: 'ImageInvert', inputs: { image: ['4', 0] } },
        '4': { class_type: 'ImageBlend', inputs: blend },
        '5': { class_type: 'ImageCrop', inputs: { image: ['3', 0], width: 100, height: 8, x: 20, y: 4 } },
        '6': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'contract' } },
      },
      '6',
    );
    const { data, info } = await sharp(await bytes(await view(file[0]!)))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([12, 8]);
    for (const [index, expected] of [127, 111, 127].entries())
      expect(Math.abs(data[index]! - expected)).toBeLessThan(2);
  });
});

/** The tEXt chunks of a PNG. */
function textChunks(png: Buffer): Map<string, string> {
  const texts = new Map<string, string>();
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.subarray(at + 4, at + 8).toString() !== 'tEXt') continue;
    const [key = '', text = ''] = png
      .subarray(at + 8, at + 8 + png.readUInt32BE(at))
      .toString('latin1')
      .split('\0');
    texts.set(key, text);
  }
  return texts;
}
