import { readFileSync } from 'node:fs';
import http from 'node:http';
import { get, post } from './support/raw-client';
import { useServer } from './support/server';

const server = useServer();

/** Not fetch, which sets some headers itself. */
function request(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const all = { ...server().headers, ...headers };
    http
      .request(server().url + path, { headers: all, method }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      })
      .once('error', reject)
      .end();
  });
}

describe('every route', () => {
  it.each(['/prompt', '/queue', '/history', '/object_info/EmptyImage', '/system_stats', '/features', '/embeddings'])(
    '%s is also served below /api',
    async (path) => {
      const [plain, twin] = [await get(server(), path), await get(server(), `/api${path}`)];
      expect([plain.status, twin.status]).toEqual([200, 200]);
      expect(Object.keys(twin.body as object)).toEqual(Object.keys(plain.body as object));
    },
  );

  it('answers HEAD', async () => {
    expect(await request('/system_stats', {}, 'HEAD')).toBe(200);
  });

  it('answers 404 or 405 to unknown routes', async () => {
    expect(await get(server(), '/nonsense')).toEqual({ status: 404, body: '' });
    expect(await post(server(), '/nonsense', '')).toEqual({ status: 405, body: '405: Method Not Allowed' });
    expect((await get(server(), '/models/nonsense')).status).toBe(404);
    expect(await get(server(), '/object_info/Nonsense')).toEqual({ status: 200, body: {} });
    expect((await get(server(), '/ws')).status).toBe(400);
  });

  it('answers actions with an empty body', async () => {
    for (const path of ['/queue', '/history', '/free']) {
      expect(await post(server(), path, {})).toEqual({ status: 200, body: '' });
      expect((await post(server(), path, '{')).status).toBe(500);
    }
    expect((await post(server(), '/interrupt', '[]')).status).toBe(500);
  });
});

describe('the origin guard', () => {
  const port = (): string => new URL(server().url).port;
  it.each([
    ['the same origin', '127.0.0.1:PORT', 'http://127.0.0.1:PORT', 200],
    ['the same origin without a port', '127.0.0.1:PORT', 'http://127.0.0.1', 200],
    ['another port', '127.0.0.1:PORT', 'http://127.0.0.1:3', 403],
    ['another name for this host', '127.0.0.1:PORT', 'http://localhost:PORT', 403],
    ['another site', '127.0.0.1:PORT', 'http://evil.example', 403],
    ['no origin at all', '127.0.0.1:PORT', 'null', 200],
    ['any origin behind a public name', 'example.com', 'http://evil.example', 200],
  ])('accepts or refuses %s', async (_, host, origin, status) => {
    const headers = { Host: host.replace('PORT', port()), Origin: origin.replace('PORT', port()) };
    expect(await request('/prompt', headers)).toBe(status);
  });
});

describe('the catalogue', () => {
  type Info = Record<string, Record<string, unknown>>;

  /** Removes texts for people, which the simulator does not have. */
  const bare = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (key, member: unknown) =>
        ['tooltip', 'description', 'output_tooltips'].includes(key) ? undefined : member,
      ),
    );

  const CLASSES = [
    'EmptyImage',
    'ImageInvert',
    'ImageScale',
    'ImageBlend',
    'ImageCrop',
    'ImageBatch',
    'GetImageSize',
    'SaveImage',
    'PreviewImage',
    'PreviewAny',
    'CLIPTextEncode',
    'EmptyLatentImage',
    'KSampler',
    'VAEDecode',
  ];

  it('describes node classes as recorded', async () => {
    const recorded = JSON.parse(readFileSync(`${__dirname}/../fixtures/traces/object_info.json`, 'utf8')) as Info;
    const info = (await get(server(), '/object_info')).body as Info;
    for (const name of CLASSES) expect(bare(info[name])).toEqual(bare(recorded[name]));
    expect(info['CheckpointLoaderSimple']).toMatchObject({ output: ['MODEL', 'CLIP', 'VAE'], output_node: false });
  });

  it('contains the version, the memory and the devices', async () => {
    const stats = (await get(server(), '/system_stats')).body as { system: object; devices: object[] };
    const recorded = JSON.parse(
      readFileSync(`${__dirname}/../fixtures/traces/system_stats.json`, 'utf8'),
    ) as typeof stats;
    expect(Object.keys(stats.system)).toEqual(expect.arrayContaining(Object.keys(recorded.system)));
    expect(Object.keys(stats.devices[0] ?? {})).toEqual(Object.keys(recorded.devices[0] ?? {}));
  });
});
