import 'reflect-metadata';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Backend, openBackend } from './backend';
import { generateFiles } from './generate-files';

const WORKFLOW = join(__dirname, '../../examples/txt2img.json');

const USAGE = `Usage: npm run demo [-- --serve]

Starts a simulated ComfyUI and the service, generates one image and prints its path.

  --serve  keeps running afterwards, for Swagger UI and curl
  --help   prints this text

COMFYUI_BASE_URL=http://127.0.0.1:8188 npm run demo uses a real ComfyUI.
LOG_LEVEL=info shows the log of the service.`;

interface Service {
  readonly url: string;
  close(): Promise<void>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { serve: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return console.log(USAGE);
  const interrupted = interruption();
  const backend = await openBackend(process.env.COMFYUI_BASE_URL);
  try {
    const service = await startService(backend);
    try {
      console.log(`The service at ${service.url} uses ${backend.description}.`);
      await Promise.race([generateOne(service.url), interrupted.then(abort)]);
      if (values.serve) {
        console.log(`Swagger UI: ${service.url}/docs - stop with Ctrl+C.`);
        await interrupted;
      }
    } finally {
      await service.close();
    }
  } finally {
    await backend.close();
  }
}

function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });
}

function abort(): never {
  throw new Error('it was interrupted.');
}

/** Sets the environment before the import, because the service reads its configuration when it is loaded. */
async function startService(backend: Backend): Promise<Service> {
  process.env.COMFYUI_BASE_URL = backend.url;
  process.env.LOG_LEVEL ??= 'silent';
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-demo-'));
  process.env.DATA_DIR = folder;
  process.env.SHUTDOWN_GRACE = '0';
  const { createService } = await import('../service/bootstrap.js');
  const app = await createService();
  await app.listen(0, '127.0.0.1');
  const close = async () => {
    await app.close();
    await rm(folder, { recursive: true });
  };
  return { url: await app.getUrl(), close };
}

async function generateOne(serviceUrl: string): Promise<void> {
  const started = performance.now();
  const paths = await generateFiles(serviceUrl, await readFile(WORKFLOW, 'utf8'));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`Done in ${seconds} s: ${paths.join(', ')}`);
}

main().catch((error: unknown) => {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
