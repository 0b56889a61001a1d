import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const DIST = join(__dirname, '../../dist');
const START_MS = 20_000;
/** `/proc` counts CPU time in ticks of a hundredth of a second (USER_HZ), whatever the kernel's own clock. */
const TICK_MS = 10;

/** A server in a process of its own. */
export class ServerProcess {
  private constructor(
    readonly name: string,
    readonly url: string,
    private readonly child: ChildProcess,
  ) {}

  /** Resolves when `probePath` is answered. Standard output goes nowhere, errors come here. */
  static async start(
    name: string,
    script: string[],
    env: NodeJS.ProcessEnv,
    probePath: string,
  ): Promise<ServerProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, script.concat(name === 'simulator' ? ['--port', String(port)] : []), {
      env: { ...process.env, ...env, HOST: '127.0.0.1', PORT: String(port), NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const server = new ServerProcess(name, `http://127.0.0.1:${port}`, child);
    await server.#untilAnswered(probePath);
    return server;
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

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill();
    await once(this.child, 'exit');
  }

  async #untilAnswered(path: string): Promise<void> {
    const deadline = Date.now() + START_MS;
    for (;;) {
      const answer = await fetch(this.url + path).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer) return;
      if (this.child.exitCode !== null || Date.now() > deadline) throw new Error(`The ${this.name} did not start.`);
      await setTimeout(50);
    }
  }
}

/** ComfyUI's stand-in, without any waiting of its own; its files lie in `directory`. */
export function startSimulator(directory: string, concurrency: number): Promise<ServerProcess> {
  const options = ['--speed', 'instant', '--concurrency', String(concurrency), '--directory', directory];
  return ServerProcess.start('simulator', [join(DIST, 'simulator/main.js'), ...options], {}, '/system_stats');
}

/** The service as `npm start` runs it: every request is logged, as JSON. */
export function startService(comfyUI: string): Promise<ServerProcess> {
  const env = { COMFYUI_BASE_URL: comfyUI, LOG_LEVEL: 'info', LOG_FORMAT: 'json' };
  return ServerProcess.start('service', ['--max-semi-space-size=8', join(DIST, 'main.js')], env, '/comfyui/status');
}

export function startBareServer(comfyUI: string): Promise<ServerProcess> {
  return ServerProcess.start('bare', [join(__dirname, 'bare-server.js')], { COMFYUI_BASE_URL: comfyUI }, '/');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
