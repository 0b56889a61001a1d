import { mkdtemp, readFile, readdir, readlink, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DIST } from './dist';
import { Front } from './front';
import { type Answer, call, type Call } from './http';
import { type End, OwnProcess } from './own-process';
import { ownPort } from './ports';

export interface ServiceOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Largest size of its files in KiB: simulates a full disk. */
  readonly largestFile?: number;
  readonly nodeArgs?: readonly string[];
}

/** The points of `crash-points.cjs`. */
export type CrashPoint = 'job-stored' | 'prompt-posted' | 'output-fetched' | 'job-ended' | 'job-resumed';

const CRASH_POINTS = join(__dirname, 'crash-points.cjs');

/** The service as a process, on a port and a data folder that outlive it. */
export class ServiceProcess extends Front {
  #process: OwnProcess | undefined;
  /** Number of its starts. */
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

  /** A second service on the same data folder. */
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
    await this.spawn(options).untilReady(`${this.url}/health/ready`);
  }

  /** Starts it without waiting. */
  spawn(options: ServiceOptions = {}): OwnProcess {
    const { nodeArgs = [], largestFile, env } = { ...this.options, ...options };
    const all = { ...this.options.env, ...env };
    this.starts += 1;
    this.#process = new OwnProcess({
      args: ['-r', CRASH_POINTS, ...nodeArgs, join(DIST, 'main.js')],
      env: {
        DATA_DIR: this.dataFolder,
        PORT: String(this.port),
        LOG_LEVEL: 'info',
        LOG_FORMAT: 'json',
        CRASH_FILE: this.#crashFile,
        ...all,
      },
      log: this.log,
      largestFile,
    });
    return this.#process;
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Arms a crash: the process ends with SIGKILL when it reaches the point for the count-th time. */
  async crashAt(point: CrashPoint, count: number): Promise<void> {
    this.#running.expectEnd();
    await writeFile(`${this.#crashFile}.new`, `${point}:${count}`);
    await rename(`${this.#crashFile}.new`, this.#crashFile);
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  /** Sends SIGTERM. */
  terminate(): void {
    this.#running.signal('SIGTERM');
  }

  end(): Promise<End> {
    return this.#running.end();
  }

  get isUp(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded;
  }

  /** Whether it ended without a signal of the tests. */
  get hasCrashed(): boolean {
    return this.#process?.hasCrashed ?? false;
  }

  output(): string {
    return this.#running.output();
  }

  /** Removes the limit of its files. */
  liftLimit(): Promise<void> {
    return this.#running.liftLimit();
  }

  call(path: string, options?: Call): Promise<Answer> {
    return call(this.url + path, options);
  }

  async status(): Promise<{ readonly backends: readonly { readonly reachable: boolean }[] }> {
    return (await this.get<{ data: { backends: { reachable: boolean }[] } }>('/comfyui/status')).data;
  }

  /** Resident memory in MiB. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async openSockets(): Promise<number> {
    const folder = `/proc/${this.pid}/fd`;
    const links = (await readdir(folder)).map((name) => readlink(join(folder, name)).catch(() => ''));
    return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length;
  }

  get #crashFile(): string {
    return join(this.folder, 'crash');
  }

  get #running(): OwnProcess {
    if (!this.#process) throw new Error('The service was not started.');
    return this.#process;
  }
}
