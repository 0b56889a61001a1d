import { rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { startSimulator } from '../../src/simulator';
import { historyWhenThere, isBinary, isText, isType, PromptBody, RawClient } from '../contract/support/raw-client';
import { serverOf } from './support';
import { sampling } from '../contract/support/workflows';
import { connect, flatPicture, useSimulator } from './support';

const simulator = useSimulator({ previews: true });

type Outputs = Record<string, Record<string, Record<string, string>[]>>;

async function outputsOf(client: RawClient, prompt: PromptBody['prompt']): Promise<Outputs> {
  const { promptId } = await client.run({ prompt });
  return (await historyWhenThere(client.server, promptId))['outputs'] as Outputs;
}

async function download(reference: Record<string, string> | undefined): Promise<Buffer> {
  const response = await fetch(`${simulator().url}/view?${new URLSearchParams(reference).toString()}`);
  if (!response.ok) throw new Error(`/view answers ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

const pixels = (png: Buffer): Promise<Buffer> => sharp(png).raw().toBuffer();

describe('the sampler chain', () => {
  const generate = async (client: RawClient, seed: number, text?: string): Promise<Buffer> => {
    const outputs = await outputsOf(client, sampling({ seed, steps: 1, ...(text !== undefined && { text }) }));
    return download(outputs['9']?.['images']?.[0]);
  };

  it('generates the same image for the same seed and prompt, also on another server', async () => {
    const other = await startSimulator({ speed: 'instant' });
    const [here, there] = [await connect(simulator()), await connect(other)];
    const first = await generate(here, 7);
    const { promptId } = await there.run({ prompt: sampling({ seed: 7, steps: 3 }) });
    const { outputs } = (await historyWhenThere(serverOf(other), promptId)) as { outputs: Outputs };
    const query = new URLSearchParams(outputs['9']?.['images']?.[0]);
    const second = Buffer.from(await (await fetch(`${other.url}/view?${query.toString()}`)).arrayBuffer());
    expect(await pixels(second)).toEqual(await pixels(first));
    await Promise.all([here.close(), there.close()]);
    await other.close();
  });

  it('generates another image for another seed or prompt', async () => {
    const client = await connect(simulator());
    const images = [
      await generate(client, 1),
      await generate(client, 2),
      await generate(client, 1, 'the sea at night'),
    ];
    const distinct = new Set(await Promise.all(images.map(async (png) => (await pixels(png)).toString('hex'))));
    expect(distinct.size).toBe(3);
    await client.close();
  });

  it('sends previews that approach the image', async () => {
    const client = await connect(simulator());
    const outputs = await outputsOf(client, sampling({ seed: 3, steps: 8 }));
    const target = await sharp(await download(outputs['9']?.['images']?.[0]))
      .resize(512, 512)
      .raw()
      .toBuffer();
    const previews = client.messages.filter(isBinary);
    const distances = await Promise.all(
      previews.map(async (frame) => {
        const shown = await pixels(frame.subarray(8));
        return shown.reduce((sum, value, i) => sum + Math.abs(value - target[i]!), 0) / shown.length;
      }),
    );
    expect(distances).toHaveLength(8);
    expect(distances[7]).toBeLessThan(distances[3]!);
    expect(distances[3]).toBeLessThan(distances[0]!);
    await client.close();
  });

  it('generates one image per latent of a batch', async () => {
    const client = await connect(simulator());
    const prompt = sampling({ seed: 4, steps: 1 });
    prompt['5']!.inputs['batch_size'] = 3;
    const files = (await outputsOf(client, prompt))['9']?.['images'] ?? [];
    const contents = new Set(
      await Promise.all(files.map(async (file) => (await pixels(await download(file))).toString('hex'))),
    );
    expect([files.length, contents.size]).toEqual([3, 3]);
    await client.close();
  });
});

describe('SimulatedNoise', () => {
  const noise = (width: number, seed: number, prefix: string): PromptBody['prompt'] => ({
    '1': { class_type: 'SimulatedNoise', inputs: { width, height: width, seed, batch_size: 1 } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: prefix } },
  });

  it.each([
    [258, 200_000],
    [690, 1_430_000],
  ])('of %i pixels a side is a PNG of %i bytes', async (width, size) => {
    const client = await connect(simulator());
    const outputs = await outputsOf(client, noise(width, 1, 'noise'));
    const { length } = await download(outputs['2']?.['images']?.[0]);
    expect(Math.abs(length - size) / size).toBeLessThan(0.05);
    await client.close();
  });

  it('depends on its seed only', async () => {
    const client = await connect(simulator());
    const bytes: string[] = [];
    for (const [seed, prefix] of [
      [1, 'a'],
      [1, 'b'],
      [2, 'c'],
    ] as const) {
      const outputs = await outputsOf(client, noise(20, seed, prefix));
      bytes.push((await pixels(await download(outputs['2']?.['images']?.[0]))).toString('hex'));
    }
    expect(bytes[0]).toBe(bytes[1]);
    expect(bytes[0]).not.toBe(bytes[2]);
    await client.close();
  });
});

describe('SimulatedFiles', () => {
  const files = (items: object[], seed = 0): PromptBody['prompt'] => ({
    '1': { class_type: 'SimulatedFiles', inputs: { items: JSON.stringify(items), seed } },
  });

  it('outputs files of every type under any key, including empty ones', async () => {
    const client = await connect(simulator());
    const outputs = await outputsOf(
      client,
      files([
        { key: 'gifs', filename: 'a.mp4', bytes: 5000, format: 'video/h264-mp4' },
        { key: 'audio', filename: 'a.flac', bytes: 100, subfolder: 'audio' },
        { key: '3d', filename: 'a.glb', type: 'temp' },
        { key: 'files', filename: 'empty.bin', bytes: 0 },
        { key: 'files', filename: 'a.txt', content: 'hello' },
        { key: 'text', value: 'shown' },
        { key: 'files', value: null },
      ]),
    );
    expect(outputs['1']).toEqual({
      gifs: [{ filename: 'a.mp4', format: 'video/h264-mp4', subfolder: '', type: 'output' }],
      audio: [{ filename: 'a.flac', subfolder: 'audio', type: 'output' }],
      '3d': [{ filename: 'a.glb', type: 'temp', subfolder: '' }],
      files: [
        { filename: 'empty.bin', subfolder: '', type: 'output' },
        { filename: 'a.txt', subfolder: '', type: 'output' },
        null,
      ],
      text: ['shown'],
    });
    const { gifs, audio, files: others } = outputs['1'] ?? {};
    expect((await download(gifs?.[0])).length).toBe(5000);
    expect((await download(audio?.[0])).subarray(0, 4).toString()).toBe('fLaC');
    expect((await download(others?.[0])).length).toBe(0);
    expect((await download(others?.[1])).toString()).toBe('hello');
    await client.close();
  });

  it('never writes outside its folder', async () => {
    const client = await connect(simulator());
    await client.run({ prompt: files([{ key: 'files', filename: '../../escaped.txt' }]) });
    const [error] = client.messages.filter(isText).filter(isType('execution_error'));
    expect(error?.data['exception_message']).toContain('is not allowed');
    await client.close();
  });
});

it('a cached output names its file even after it was deleted', async () => {
  const client = await connect(simulator());
  const prompt = flatPicture({ prefix: 'deleted' });
  await outputsOf(client, prompt);
  rmSync(join(simulator().directory, 'output', 'deleted_00001_.png'));
  const outputs = await outputsOf(client, prompt);
  expect(outputs['2']?.['images']?.[0]).toMatchObject({ filename: 'deleted_00001_.png' });
  await expect(download(outputs['2']?.['images']?.[0])).rejects.toThrow('404');
  const fresh = await outputsOf(client, flatPicture({ prefix: 'deleted' }));
  expect(fresh['2']?.['images']?.[0]).toMatchObject({ filename: 'deleted_00001_.png' });
  await client.close();
});
