import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComfyUIOptions } from '../../src';
import { AssetStorage } from '../../src/application/assets/asset-storage';
import { JobRepository } from '../../src/application/jobs/job-repository';
import type { CollectedFile } from '../../src/domain/job/job';
import type { Simulator } from '../../src/simulator';
import { inFolder } from '../store/places';
import { jobsOf, type JobJson } from './jobs';
import { type Stack, startComfyUI, startStack } from './stack';

/** A service with a data folder, which can be restarted and whose storage can be broken. */
export class FileRig {
  #stack: Stack | undefined;

  private constructor(
    readonly comfyUI: Simulator,
    private readonly place: Awaited<ReturnType<typeof inFolder>>,
  ) {}

  static async start(): Promise<FileRig> {
    const rig = new FileRig(await startComfyUI(), await inFolder());
    await rig.start();
    return rig;
  }

  async start(options: ComfyUIOptions = {}): Promise<void> {
    const { url: baseUrl } = this.comfyUI;
    this.#stack = await startStack({ baseUrl, shutdownGrace: 0, ...this.place.options, ...options }, 'service');
  }

  stop(): Promise<void> {
    return this.stack.close();
  }

  async restart(options?: ComfyUIOptions): Promise<void> {
    await this.stop();
    await this.start(options);
  }

  get stack(): Stack {
    if (!this.#stack) throw new Error('the service is not started');
    return this.#stack;
  }

  get url(): string {
    return this.stack.url;
  }

  get jobs(): ReturnType<typeof jobsOf> {
    return jobsOf(this.stack);
  }

  /** The number of file requests to ComfyUI. */
  get views(): number {
    return this.comfyUI.stats.requests['GET /view'] ?? 0;
  }

  /** Runs a job to its end. */
  async run(prompt: object, fields: object = {}): Promise<JobJson> {
    return this.jobs.ended(await this.jobs.start(prompt, fields));
  }

  /** Names of the files in the storage. */
  async stored(): Promise<string[]> {
    const entries = await readdir(this.#folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  }

  /** The stored file records of a job. */
  async collected(jobId: string): Promise<readonly CollectedFile[]> {
    return (await this.stack.app.get(JobRepository).find(jobId))?.job.outputs ?? [];
  }

  async bytesOf({ sha256 }: CollectedFile): Promise<Buffer> {
    const { stream } = await this.stack.app.get(AssetStorage).open(sha256, { signal: AbortSignal.timeout(5_000) });
    return Buffer.concat(await stream.toArray());
  }

  /** Removes the disk of the storage; the returned function restores it. */
  async breakStorage(): Promise<() => Promise<void>> {
    const aside = join(this.place.directory, 'aside');
    await rename(this.#folder, aside);
    await writeFile(this.#folder, 'not a folder');
    return async () => {
      await rm(this.#folder);
      await rename(aside, this.#folder);
    };
  }

  async close(): Promise<void> {
    await this.stop();
    await this.comfyUI.close();
    await this.place.remove();
  }

  get #folder(): string {
    return join(this.place.directory, 'assets');
  }
}
