import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComfyUIOptions } from '../../src/options/comfyui.options';
import type { Simulator } from '../../src/simulator';
import { assetsOf, type AssetJson } from './assets';
import { jobsOf } from './jobs';
import { type Platform, type Stack, startComfyUI, startStack } from './stack';
import { flatPicture } from './workflows';

/** A stack with a data folder, and methods that produce assets in it. */
export class AssetRig {
  #color = 0;

  private constructor(
    readonly comfyUI: Simulator,
    readonly stack: Stack,
    private readonly folder: string,
  ) {}

  static async start(platform: Platform, options: ComfyUIOptions = {}): Promise<AssetRig> {
    const comfyUI = await startComfyUI();
    const folder = await mkdtemp(join(tmpdir(), 'assets-spec-'));
    const stack = await startStack({ baseUrl: comfyUI.url, dataDirectory: folder, ...options }, platform);
    return new AssetRig(comfyUI, stack, folder);
  }

  get url(): string {
    return this.stack.url;
  }

  get jobs(): ReturnType<typeof jobsOf> {
    return jobsOf(this.stack);
  }

  get assets(): ReturnType<typeof assetsOf> {
    return assetsOf(this.stack);
  }

  /** A unique number, for workflows that must not be cached. */
  next(): number {
    return ++this.#color;
  }

  /** Runs a workflow and returns its assets. */
  async run(prompt: object): Promise<readonly AssetJson[]> {
    const { id } = await this.jobs.ended(await this.jobs.start(prompt));
    return this.assets.ofJob(id);
  }

  /** Runs a workflow and returns its first asset. */
  async one(prompt: object = flatPicture(this.next())): Promise<AssetJson> {
    const [asset] = await this.run(prompt);
    if (!asset) throw new Error('the run produced no files');
    return asset;
  }

  /** The path of the stored bytes. */
  pathOf({ sha256 }: AssetJson): string {
    return join(this.folder, 'assets', sha256.slice(0, 2), sha256);
  }

  async close(): Promise<void> {
    await this.stack.close();
    await this.comfyUI.close();
    await rm(this.folder, { recursive: true });
  }
}

export async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** The error in a response. */
export async function refusal(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { statusCode, code, message } = (await response.json()) as {
    statusCode: number;
    code: string;
    message: string;
  };
  expect(statusCode).toBe(response.status);
  return { status: response.status, code, message };
}
