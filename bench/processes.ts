import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const START_MS = 20_000;
const PROBE_INTERVAL_MS = 5;
/** `/proc` counts CPU time in ticks of a hundredth of a second (USER_HZ), whatever the kernel's own clock. */
const TICK_MS = 10;

export interface ProcessOptions {
  readonly name: string;
  /** For Node: its own options, the script and the script's arguments. */
  readonly script: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Answered with 200 as soon as the server is of use. */
  readonly probePath: string;
  /** A file for standard output; default: nowhere. */
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

  /** Resolves when the probe is answered. Errors of the process come here. */
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

  /** From the start of the process to the first good answer, milliseconds. */
  get readyMs(): number {
    return this.#readyMs;
  }

  /** CPU time so far, user and system, milliseconds. */
  async cpuMs(): Promise<number> {
    const stat = await readFile(`/proc/${this.child.pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; after it, user and system time are the 12th and 13th fields.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  /** The most memory that was ever resident, MiB. */
  async peakMemoryMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** What it uses now that what is not used any more was collected; for a process that runs the memory probe. */
  async memory(): Promise<MemoryUsage> {
    const answer = once(this.child, 'message');
    this.child.send('memory');
    const [usage] = (await answer) as [MemoryUsage];
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

/** 0: no answer. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false }, (answer) => {
      answer.resume().once('close', () => resolve(answer.statusCode ?? 0));
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
