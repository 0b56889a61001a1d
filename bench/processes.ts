import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const START_MS = 20_000;
const PROBE_INTERVAL_MS = 5;
const NANOSECONDS_PER_MS = 1e6;

export interface ProcessOptions {
  readonly name: string;
  /** For Node: its own options, the script and the script's arguments. */
  readonly script: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Returns 200 as soon as the server is ready. */
  readonly probePath: string;
  /** A file for standard output; default: none. */
  readonly log?: string;
}

/** Bytes, after a garbage collection. */
export type MemoryUsage = ReturnType<typeof process.memoryUsage>;

/** A server in a process of its own. */
export class ServerProcess {
  #readyMs = NaN;

  private constructor(
    readonly name: string,
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** Resolves when the probe succeeds. The standard error of the process is that of this one. */
  static async start({ name, script, env, probePath, log }: ProcessOptions): Promise<ServerProcess> {
    const port = String(await freePort());
    const output = log === undefined ? 'ignore' : openSync(log, 'a');
    const started = performance.now();
    const child = spawn(process.execPath, name === 'simulator' ? [...script, '--port', port] : script, {
      env: { ...process.env, ...env, HOST: '127.0.0.1', PORT: port, NODE_ENV: 'production' },
      stdio: ['ignore', output, 'inherit', 'ipc'],
    });
    if (typeof output === 'number') closeSync(output);
    const server = new ServerProcess(name, `http://127.0.0.1:${port}`, child);
    await server.#untilReady(probePath);
    server.#readyMs = performance.now() - started;
    return server;
  }

  /** From the start of the process to the first successful probe, milliseconds. */
  get readyMs(): number {
    return this.#readyMs;
  }

  /** CPU time of all threads so far, user and system, milliseconds. The scheduler counts it in nanoseconds. */
  async cpuMs(): Promise<number> {
    const folder = `/proc/${this.child.pid}/task`;
    const threads = (await readdir(folder)).map((thread) => readFile(`${folder}/${thread}/schedstat`, 'utf8'));
    const times = (await Promise.all(threads)).map((schedstat) => Number(schedstat.split(' ')[0]));
    return times.reduce((sum, time) => sum + time, 0) / NANOSECONDS_PER_MS;
  }

  /** The peak of resident memory, MiB. */
  async peakMemoryMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** Memory after garbage collections; only for a process with the memory probe. */
  async memory(): Promise<MemoryUsage> {
    const response = once(this.child, 'message');
    this.child.send('memory');
    const [usage] = (await response) as [MemoryUsage];
    return usage;
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }

  get #hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async #untilReady(path: string): Promise<void> {
    const deadline = Date.now() + START_MS;
    while ((await statusOf(this.url + path)) !== 200) {
      if (this.#hasEnded) throw new Error(`The ${this.name} did not start.`);
      if (Date.now() > deadline) {
        await this.kill();
        throw new Error(`The ${this.name} did not start in time.`);
      }
      await setTimeout(PROBE_INTERVAL_MS);
    }
  }
}

/** 0: no response. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume().once('close', () => resolve(response.statusCode ?? 0));
    });
    request.once('error', () => resolve(0));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
