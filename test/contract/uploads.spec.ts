import { randomInt, randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { get, historyWhenThere, post, RawClient } from './support/raw-client';
import { useServer } from './support/server';
import { flatPicture } from './support/workflows';

const server = useServer();

type Fields = Record<string, string>;

async function upload(content: string | Buffer, filename: string, fields: Fields = {}, path = '/upload/image') {
  const form = new FormData();
  form.set('image', new Blob([new Uint8Array(Buffer.from(content))]), filename);
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return send(form, path);
}

async function send(form: FormData, path = '/upload/image') {
  const response = await fetch(server().url + path, { method: 'POST', body: form, headers: server().headers });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, body: isJson ? (JSON.parse(text) as Fields) : text };
}

const uniqueName = (): string => `contract-${randomUUID()}.png`;

const stored = async (reference: Fields): Promise<string> => {
  const query = new URLSearchParams(reference);
  const response = await fetch(`${server().url}/view?${query.toString()}`, { headers: server().headers });
  return response.ok ? response.text() : `${response.status}`;
};

describe('POST /upload/image', () => {
  it('saves a file of any type under its name', async () => {
    const name = `contract-${randomUUID()}.txt`;
    expect(await upload('hello', name)).toEqual({ status: 200, body: { name, subfolder: '', type: 'input' } });
    expect(await stored({ filename: name, type: 'input' })).toBe('hello');
  });

  it('chooses another name if another file has that name, and the same for the same contents', async () => {
    const name = uniqueName();
    const [stem] = name.split('.');
    const names: unknown[] = [];
    for (const content of ['a', 'b', 'a', 'c', 'b']) {
      names.push(((await upload(content, name)).body as Fields)['name']);
    }
    expect(names).toEqual([name, `${stem} (1).png`, name, `${stem} (2).png`, `${stem} (1).png`]);
  });

  it('overwrites on demand only', async () => {
    const name = uniqueName();
    await upload('a', name);
    expect((await upload('b', name, { overwrite: 'yes' })).body).toMatchObject({
      name: name.replace('.png', ' (1).png'),
    });
    expect((await upload('c', name, { overwrite: 'true' })).body).toMatchObject({ name });
    expect(await stored({ filename: name, type: 'input' })).toBe('c');
  });

  it('creates the requested folder, and returns its name unchanged', async () => {
    const name = uniqueName();
    const subfolder = 'contract/./deep/..';
    expect((await upload('a', name, { subfolder, type: 'temp' })).body).toEqual({ name, subfolder, type: 'temp' });
    expect(await stored({ filename: name, subfolder: 'contract', type: 'temp' })).toBe('a');
  });

  it.each([
    ['a folder outside', 'a.png', { subfolder: '../..' }, 400],
    ['a name outside', '../../a.png', {}, 400],
    ['a missing folder in the name', `no-folder-${randomInt(2 ** 30)}/a.png`, {}, 500],
    ['an unknown type', 'a.png', { type: 'nonsense' }, 500],
  ])('refuses %s', async (_, filename, fields: Fields, status) => {
    expect((await upload('x', filename, fields)).status).toBe(status);
  });

  it('refuses a form without a file, or with a text instead of one', async () => {
    const form = new FormData();
    form.set('subfolder', 'x');
    expect(await send(form)).toEqual({ status: 400, body: '' });
    form.set('image', 'text');
    expect((await send(form)).status).toBe(500);
    expect((await post(server(), '/upload/image', '')).status).toBe(400);
  });

  it('adds the image to the choices of LoadImage at once', async () => {
    const name = uniqueName();
    await upload('a', name);
    const { body } = await get(server(), '/object_info/LoadImage');
    const info = body as { LoadImage: { input: { required: { image: [string[], object] } } } };
    expect(info.LoadImage.input.required.image[0]).toContain(name);
  });
});

describe('POST /upload/mask', () => {
  const picture = (alpha: number): Promise<Buffer> =>
    sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 10, g: 20, b: 30, alpha } } })
      .png()
      .toBuffer();

  it('applies the transparency of the mask to the original', async () => {
    const [original, name] = [uniqueName(), uniqueName()];
    await upload(await picture(1), original);
    const reference = JSON.stringify({ filename: original, type: 'input' });
    const { body } = await upload(await picture(0.5), name, { original_ref: reference }, '/upload/mask');
    expect(body).toEqual({ name, subfolder: '', type: 'input' });
    const url = `${server().url}/view?${new URLSearchParams({ filename: name, type: 'input' }).toString()}`;
    const saved = await (await fetch(url, { headers: server().headers })).arrayBuffer();
    const { data } = await sharp(Buffer.from(saved)).raw().toBuffer({ resolveWithObject: true });
    expect([...data.subarray(0, 4)]).toEqual([10, 20, 30, 128]);
  });

  it('keeps the text chunks of the original', async () => {
    const name = uniqueName();
    const client = await RawClient.connect(server());
    const { promptId } = await client.run({ prompt: flatPicture({ size: 8 }) });
    await client.close();
    const { outputs } = (await historyWhenThere(server(), promptId)) as { outputs: { '2': { images: Fields[] } } };
    const reference = JSON.stringify(outputs['2'].images[0]);
    await upload(await picture(1), name, { original_ref: reference }, '/upload/mask');
    expect(await stored({ filename: name, type: 'input' })).toContain('"class_type": "EmptyImage"');
  });

  it('reports success even if the original does not exist', async () => {
    const name = uniqueName();
    const reference = JSON.stringify({ filename: 'no such file.png', type: 'input' });
    const response = await upload(await picture(1), name, { original_ref: reference }, '/upload/mask');
    expect(response).toEqual({ status: 200, body: { name, subfolder: '', type: 'input' } });
    expect(await stored({ filename: name, type: 'input' })).toBe('404');
  });

  it('requires the name of the original', async () => {
    expect((await upload(await picture(1), uniqueName(), {}, '/upload/mask')).status).toBe(500);
  });
});
