import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSimulator, type Simulator } from '../../src/simulator';
import { FreshApplication } from './fresh-application';
import { packed, REPOSITORY } from './packed';

const REQUIRED = ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs', 'typescript', '@types/node'];
const TXT2IMG = join(REPOSITORY, 'examples/txt2img.json');

describe('the packed library in a fresh Nest application without the optional peers', () => {
  let app: FreshApplication;
  let simulator: Simulator;
  let env: Record<string, string>;

  beforeAll(async () => {
    app = await FreshApplication.install(REQUIRED);
    simulator = await startSimulator({ speed: 'instant' });
    env = { COMFYUI_BASE_URL: simulator.url };
  });

  afterAll(async () => {
    await simulator?.close();
    await app?.remove();
  });

  it('holds the compiled code and what a reader needs, and nothing else', () => {
    const unexpected = packed().files.filter(
      (path) => !/^(package\.json|README\.md|LICENSE|dist\/.*\.(js|d\.ts))$/.test(path),
    );
    expect(unexpected).toEqual([]);
    expect(packed().files.filter((path) => /\.spec\.|^dist\/(test|demo)\//.test(path))).toEqual([]);
    expect(packed().files).toEqual(expect.arrayContaining(['LICENSE', 'dist/index.js', 'dist/index.d.ts']));
  });

  it('finds none of the optional peers installed', async () => {
    const { peerDependenciesMeta } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as {
      peerDependenciesMeta: Record<string, { optional: boolean }>;
    };
    const optional = Object.keys(peerDependenciesMeta);
    const script = `console.log(${JSON.stringify(optional)}.filter((name) => require('fs').existsSync('node_modules/' + name)).join())`;
    expect(optional.length).toBeGreaterThan(5);
    expect((await app.run('node', ['-e', script])).trim()).toBe('');
  });

  it('runs the library example, with forRoot', async () => {
    await app.compile('examples/library/main.ts');
    const said = await app.run('node', ['dist/main.js', TXT2IMG, 'picture.png'], env);
    expect(said).toMatch(/^picture\.png: image\/png, 512x512, \d+ ms$/m);
    const picture = await readFile(join(app.folder, 'picture.png'));
    expect(picture.subarray(1, 4).toString()).toBe('PNG');
  });

  it('is configured with forRootAsync', async () => {
    await app.compile('test/package/apps/async.ts');
    const said = JSON.parse(await app.run('node', ['dist/async.js'], env)) as unknown;
    expect(said).toEqual({ reachable: true, url: simulator.url });
  });

  it('can be imported by an ES module', async () => {
    const script =
      "import { ComfyUIModule, ComfyUIError } from 'nestjs-comfyui'; console.log(ComfyUIModule.name, ComfyUIError.name)";
    const said = await app.run('node', ['--input-type=module', '-e', script]);
    expect(said).toBe('ComfyUIModule ComfyUIError\n');
  });
});
