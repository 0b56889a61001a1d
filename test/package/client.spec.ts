import { join } from 'node:path';
import { startComfyUI } from '../support/stack';
import { type RunningService, startHybrid } from '../rpc/service';
import type { Simulator } from '../../src/simulator';
import { FreshApplication } from './fresh-application';
import { REPOSITORY } from './packed';

const REQUIRED = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/microservices',
  'reflect-metadata',
  'rxjs',
  'typescript',
  '@types/node',
];

describe('the packed client in a fresh Nest application with nothing but @nestjs/microservices', () => {
  let app: FreshApplication;
  let simulator: Simulator;
  let service: RunningService;

  beforeAll(async () => {
    app = await FreshApplication.install(REQUIRED);
    simulator = await startComfyUI();
    const variables = { COMFYUI_BASE_URL: simulator.url, PUBLIC_URL: 'http://pictures.example.com' };
    service = await startHybrid({ transport: 'tcp', url: 'tcp://127.0.0.1:0' }, variables);
  });

  afterAll(async () => {
    await service?.close();
    await simulator?.close();
    await app?.remove();
  });

  it('runs a workflow on the service, and prints the progress and the link', async () => {
    await app.compile('examples/microservice/caller.ts');
    const workflow = join(REPOSITORY, 'examples/txt2img.json');
    const output = await app.run('node', ['dist/caller.js', workflow], { MICROSERVICE_URL: service.address.url });
    expect(output).toMatch(/^Job [\da-f-]{36} is (queued|running)\n(\d+% \w+\n)+/);
    expect(output).toMatch(/ComfyUI_00001_\.png: http:\/\/pictures\.example\.com\/assets\/[\da-f-]{36}\n/);
    expect(output).toMatch(/Done in \d+ ms\n$/);
  });
});
