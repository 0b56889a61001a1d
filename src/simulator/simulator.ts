import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Faults, Occasion } from './faults';
import { Files } from './files';
import { HttpServer } from './http/http-server';
import { resolveOptions, Settings, SimulatorOptions } from './options';
import { ServerProcess } from './server-process';

export interface SimulatorStats {
  /** Number of prompts that ended, with any outcome, since the last restart. */
  finished: number;
  /** Number of pending and running prompts. */
  remaining: number;
  /** Number of open sockets, including deaf ones. */
  sockets: number;
  restarts: number;
  /** Number of requests since the last restart, such as `{ 'POST /prompt': 2 }`, without prefix and `/api`. */
  requests: Record<string, number>;
}

/** A running stand-in for a ComfyUI server. Created by {@link startSimulator}. */
export class Simulator {
  readonly faults = new Faults();
  #process: ServerProcess;
  #server: HttpServer;
  #port = 0;
  #restarts = 0;
  #restarting: Promise<void> | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly files: Files,
    private readonly isTemporary: boolean,
  ) {
    [this.#process, this.#server] = this.#boot();
  }

  /** The base URL for clients, with the path prefix, without a trailing slash. */
  get url(): string {
    const host = this.settings.host.includes(':') ? `[${this.settings.host}]` : this.settings.host;
    return `http://${host}:${this.#port}${this.settings.pathPrefix}`;
  }

  get port(): number {
    return this.#port;
  }

  /** The directory of the folders `input`, `output` and `temp`. */
  get directory(): string {
    return this.files.directory;
  }

  get stats(): SimulatorStats {
    return {
      finished: this.#process.finishedCount,
      remaining: this.#process.queue.remaining,
      sockets: this.#process.hub.size,
      restarts: this.#restarts,
      requests: { ...this.#server.requests },
    };
  }

  async listen(): Promise<this> {
    this.#port = await this.#server.listen(this.settings.port, this.settings.host);
    return this;
  }

  /**
   * Ends the process, without WebSocket close frames, and starts it on the same port after `downMs`. Queue, history, node
   * cache, counter and `temp` are lost; `input` and `output` stay.
   */
  restart({ downMs = 0 }: { downMs?: number } = {}): Promise<void> {
    this.#restarting ??= this.#restart(downMs).finally(() => (this.#restarting = undefined));
    return this.#restarting;
  }

  /** Stops the simulator and removes its temporary directory. */
  async close(): Promise<void> {
    await this.#restarting;
    this.faults.clear();
    await this.#end();
    if (this.isTemporary) rmSync(this.files.directory, { recursive: true, force: true });
  }

  async #restart(downMs: number): Promise<void> {
    await this.#end();
    if (downMs > 0) await delay(downMs);
    [this.#process, this.#server] = this.#boot();
    await this.#server.listen(this.#port, this.settings.host);
    this.#restarts += 1;
  }

  async #end(): Promise<void> {
    await Promise.all([this.#process.kill(), this.#server.close()]);
  }

  #boot(): [ServerProcess, HttpServer] {
    const process = new ServerProcess(this.settings, this.files, this.faults, {
      moment: (occasion) => this.#atMoment(occasion),
    });
    return [process, new HttpServer(process)];
  }

  #atMoment(occasion: Occasion): void {
    const fault = this.faults.take('restart', occasion);
    if (fault !== undefined) void this.restart({ downMs: fault.downMs ?? 0 });
  }
}

/** Starts a simulator and resolves when it listens. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'comfyui-simulator-'));
  const settings = resolveOptions(options, directory);
  return new Simulator(settings, new Files(directory), options.directory === undefined).listen();
}
