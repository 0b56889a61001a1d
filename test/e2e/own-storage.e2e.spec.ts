import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { AssetStorage, ComfyUIError, type FileToStore, type OpenedFile, type Reading } from '../../src';
import type { Simulator } from '../../src/simulator';
import { postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { flatPicture } from '../support/workflows';

/** As an application writes it, on the exports of the package alone. */
class MemoryStorage extends AssetStorage {
  readonly linksLast = false;
  readonly files = new Map<string, Buffer>();
  checks = 0;

  async check(): Promise<void> {
    this.checks += 1;
  }

  async put(file: FileToStore): Promise<void> {
    this.files.set(file.sha256, await buffer(file.open()));
  }

  async open(sha256: string, { range }: Reading): Promise<OpenedFile> {
    const bytes = this.files.get(sha256);
    if (!bytes) throw new ComfyUIError('not_found', 'There is no such file.');
    const { start = 0, end = bytes.length } = range ?? {};
    const part = bytes.subarray(start, end + 1);
    return { stream: Readable.from([part], { objectMode: false }), sizeBytes: bytes.length };
  }

  async remove(sha256: string): Promise<void> {
    this.files.delete(sha256);
  }

  async link(): Promise<null> {
    return null;
  }
}

describe('a host application with a storage of its own', () => {
  const storage = new MemoryStorage();
  let comfyUI: Simulator;
  let stack: Stack;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    stack = await startStack({ baseUrl: comfyUI.url, storage, shutdownGrace: 0 }, 'express');
  });

  afterAll(async () => {
    await stack.close();
    await comfyUI.close();
  });

  it('checks it once at the start', () => {
    expect(storage.checks).toBe(1);
  });

  it('keeps output files there, and serves them and parts of them', async () => {
    const response = await postJson(`${stack.url}/generate`, { prompt: flatPicture(5), response: 'url' });
    const { image } = (await response.json()) as { image: string };
    expect(storage.files.size).toBe(1);
    const url = new URL(image, stack.url);
    const served = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect([...storage.files.values()][0]?.equals(served)).toBe(true);
    const part = await fetch(url, { headers: { Range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'PNG']);
  });
});
