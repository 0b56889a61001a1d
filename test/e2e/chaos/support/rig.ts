import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Auditor } from './auditor';
import { ComfyUIProcess } from './comfyui-process';
import { lastLines } from './log-lines';
import type { Orders } from './orders';
import { type ServiceOptions, ServiceProcess } from './service-process';

export interface RigOptions extends ServiceOptions {
  /** Default 2. */
  readonly backends?: number;
}

const LOG_LINES = 60;

/** A service, its ComfyUI servers, and the auditor of both. */
export class Rig {
  private constructor(
    private readonly folder: string,
    readonly backends: readonly ComfyUIProcess[],
    readonly service: ServiceProcess,
    readonly audit: Auditor,
  ) {}

  static async start({ backends: count = 2, ...options }: RigOptions = {}): Promise<Rig> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-chaos-'));
    const names = Array.from({ length: count }, (_, index) => `backend-${index + 1}`);
    const backends = await Promise.all(names.map((name) => ComfyUIProcess.at(folder, name)));
    const env = { COMFYUI_BASE_URL: backends.map(({ url }) => url).join(','), ...options.env };
    const service = await ServiceProcess.at(folder, { ...options, env });
    const rig = new Rig(folder, backends, service, new Auditor(service, backends));
    try {
      await Promise.all([service, ...backends].map((process) => process.start()));
      return rig;
    } catch (error) {
      await rig.close();
      throw error;
    }
  }

  get orders(): Orders {
    return this.audit.orders;
  }

  /** One of the ComfyUI servers; default the first. */
  backend(index = 0): ComfyUIProcess {
    const backend = this.backends[index];
    if (!backend) throw new Error(`There is no backend ${index}.`);
    return backend;
  }

  backendAt(url: string | undefined): ComfyUIProcess {
    const backend = this.backends.find((one) => one.url === url);
    if (!backend) throw new Error(`There is no backend at ${url}.`);
    return backend;
  }

  /** The last lines of the service's log. */
  async log(): Promise<string> {
    const text = await readFile(this.service.log, 'utf8').catch(() => '');
    return lastLines(text, LOG_LINES);
  }

  /** Ends all processes and removes all files, in any state. */
  async close(): Promise<void> {
    await Promise.all([this.service, ...this.backends].map((process) => process.kill()));
    await this.audit.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
