import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComfyUIOptions } from '../../src/options/comfyui.options';
import type { Simulator } from '../../src/simulator';
import { assetsOf, type ToldAsset } from './assets';
import { jobsOf } from './jobs';
import { type Platform, type Stack, startComfyUI, startStack } from './stack';
import { flatPicture } from './workflows';

/** A stack with a data folder, and what makes assets in it. */
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

  /** Another number with each call, for workflows that are not to be cached. */
  next(): number {
    return ++this.#color;
  }

  /** What a run of a workflow made. */
  async made(prompt: object): Promise<readonly ToldAsset[]> {
    const { id } = await this.jobs.ended(await this.jobs.start(prompt));
    return this.assets.ofJob(id);
  }

  /** The first file that a run made. */
  async one(prompt: object = flatPicture(this.next())): Promise<ToldAsset> {
    const [asset] = await this.made(prompt);
    if (!asset) throw new Error('the run made nothing');
    return asset;
  }

  /** Where the storage keeps the bytes. */
  pathOf({ sha256 }: ToldAsset): string {
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

/** The error a response tells. */
export async function refusal(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { statusCode, code, message } = (await response.json()) as {
    statusCode: number;
    code: string;
    message: string;
  };
  expect(statusCode).toBe(response.status);
  return { status: response.status, code, message };
}
