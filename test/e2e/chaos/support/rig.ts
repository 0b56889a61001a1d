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

const LINES_TOLD = 60;

/** A service, the ComfyUI servers behind it, and somebody who watches both. */
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

  /** The only server there is, or one of several. */
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

  /** The end of the service's log, for people. */
  async log(): Promise<string> {
    const text = await readFile(this.service.log, 'utf8').catch(() => '');
    return lastLines(text, LINES_TOLD);
  }

  /** Nothing is left of it, however it is. */
  async close(): Promise<void> {
    await Promise.all([this.service, ...this.backends].map((process) => process.kill()));
    await this.audit.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
