import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault, FaultKind } from '../../../../src/simulator';
import { DIST } from './dist';
import { call, getJson, jsonOf } from './http';
import { OwnProcess } from './own-process';
import { ownPort } from './ports';

/** An item of ComfyUI's queue, or of its history: `[number, prompt id, workflow, extra data, outputs]`. */
export type QueueItem = readonly [number, string, object, Readonly<Record<string, unknown>>, readonly string[]];

export interface Queue {
  readonly running: readonly QueueItem[];
  readonly pending: readonly QueueItem[];
}

export interface HistoryEntry {
  readonly prompt: QueueItem;
  readonly outputs: Readonly<Record<string, { readonly images?: readonly { readonly filename: string }[] }>>;
  readonly status: { readonly completed: boolean };
}

export interface Stats {
  readonly finished: number;
  readonly sockets: number;
  readonly requests: Readonly<Record<string, number>>;
}

/** The simulator as a process, on a port and a folder that outlive it. */
export class ComfyUIProcess {
  #process: OwnProcess | undefined;
  #isFrozen = false;
  /** How often its process was killed; queue and history are in its memory. */
  deaths = 0;

  private constructor(
    readonly name: string,
    readonly port: number,
    readonly folder: string,
  ) {}

  static async at(folder: string, name: string): Promise<ComfyUIProcess> {
    const own = new ComfyUIProcess(name, await ownPort(), join(folder, name));
    await mkdir(own.folder);
    return own;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get log(): string {
    return `${this.folder}.log`;
  }

  /** Whether the process runs and responds. */
  get isUp(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded && !this.#isFrozen;
  }

  async start(): Promise<void> {
    const options = ['--port', String(this.port), '--directory', this.folder, '--no-previews'];
    this.#process = new OwnProcess({ args: [join(DIST, 'simulator/main.js'), ...options], log: this.log });
    await this.#process.untilReady(`${this.url}/system_stats`);
  }

  async kill(): Promise<void> {
    const dying = this.#process;
    this.#process = undefined;
    this.#isFrozen = false;
    this.deaths += 1;
    await dying?.kill();
  }

  /** Stops the process: the kernel keeps its connections and accepts new ones, and no request has a response. */
  freeze(): void {
    this.#isFrozen = true;
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
    this.#isFrozen = false;
  }

  async arm(fault: Fault): Promise<void> {
    const body = { ...fault, ...(fault.times === Infinity && { times: 'Infinity' }) };
    const answer = await call(`${this.url}/simulator/faults`, { method: 'POST', body });
    if (answer.status !== 200) throw new Error(answer.body.toString());
  }

  /** The armed faults and how often each struck; used up faults are not listed. */
  async armed(): Promise<readonly { readonly kind: string; readonly fired: number }[]> {
    const faults = jsonOf(await call(`${this.url}/simulator/faults`)) as { armed: { kind: string; fired: number }[] };
    return faults.armed;
  }

  async clearFaults(kind?: FaultKind): Promise<void> {
    await call(`${this.url}/simulator/faults?kind=${kind ?? ''}`, { method: 'DELETE' });
  }

  async queue(): Promise<Queue> {
    const body = await getJson<{ queue_running: QueueItem[]; queue_pending: QueueItem[] }>(`${this.url}/queue`);
    return { running: body.queue_running, pending: body.queue_pending };
  }

  /** By prompt id, since the start of the process. */
  history(): Promise<Readonly<Record<string, HistoryEntry>>> {
    return getJson(`${this.url}/history`);
  }

  stats(): Promise<Stats> {
    return getJson(`${this.url}/simulator/stats`);
  }

  /** All output files, of earlier processes too. */
  files(): Promise<string[]> {
    return readdir(this.#output).catch(() => []);
  }

  pathOf(filename: string): string {
    return join(this.#output, filename);
  }

  get #output(): string {
    return join(this.folder, 'output');
  }
}
