import { mkdtemp, readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DIST } from './dist';
import { Front } from './front';
import { type Answer, call, type Call } from './http';
import { type End, OwnProcess } from './own-process';
import { ownPort } from './ports';

export interface ServiceOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** KiB that any file may have: a full disk. */
  readonly largestFile?: number;
  readonly nodeArgs?: readonly string[];
}

/** The service as a process of its own, on an address and a data folder that outlive it. */
export class ServiceProcess extends Front {
  #process: OwnProcess | undefined;
  /** How often it was started. */
  starts = 0;

  private constructor(
    readonly port: number,
    readonly folder: string,
    private readonly options: ServiceOptions,
  ) {
    super();
  }

  static async at(folder: string, options: ServiceOptions): Promise<ServiceProcess> {
    return new ServiceProcess(await ownPort(), folder, options);
  }

  /** Another one on the same data folder. */
  async another(): Promise<ServiceProcess> {
    const folder = await mkdtemp(join(this.folder, 'another-'));
    const env = { ...this.options.env, DATA_DIR: this.dataFolder };
    return ServiceProcess.at(folder, { ...this.options, env });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get dataFolder(): string {
    return join(this.folder, 'data');
  }

  get log(): string {
    return join(this.folder, 'service.log');
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** Resolves when it is ready. */
  async start(options: ServiceOptions = {}): Promise<void> {
    await this.spawn(options).untilAnswered(`${this.url}/health/ready`);
  }

  /** Starts it and does not wait. */
  spawn(options: ServiceOptions = {}): OwnProcess {
    const { nodeArgs = [], largestFile, env } = { ...this.options, ...options };
    const all = { ...this.options.env, ...env };
    this.starts += 1;
    this.#process = new OwnProcess({
      args: [...nodeArgs, join(DIST, 'main.js')],
      env: { DATA_DIR: this.dataFolder, PORT: String(this.port), LOG_LEVEL: 'info', LOG_FORMAT: 'json', ...all },
      log: this.log,
      largestFile,
    });
    return this.#process;
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  /** Asks it to end. */
  terminate(): void {
    this.#running.signal('SIGTERM');
  }

  end(): Promise<End> {
    return this.#running.end();
  }

  get isUp(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded;
  }

  /** Whether it ended by itself. */
  get hasCrashed(): boolean {
    return this.#process?.hasCrashed ?? false;
  }

  output(): string {
    return this.#running.output();
  }

  /** Its disk has room again. */
  liftLimit(): Promise<void> {
    return this.#running.liftLimit();
  }

  call(path: string, options?: Call): Promise<Answer> {
    return call(this.url + path, options);
  }

  /** MiB. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async openSockets(): Promise<number> {
    const folder = `/proc/${this.pid}/fd`;
    const links = (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => ''));
    return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length;
  }

  get #running(): OwnProcess {
    if (!this.#process) throw new Error('The service was not started.');
    return this.#process;
  }
}
