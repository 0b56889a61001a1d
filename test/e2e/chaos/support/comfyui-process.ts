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

/** ComfyUI's stand-in as a process of its own, on an address and a folder that outlive it. */
export class ComfyUIProcess {
  #process: OwnProcess | undefined;
  #isFrozen = false;
  /** How often its process was killed: what it had in memory is gone then. */
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

  /** Whether it runs and answers. */
  get isUp(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded && !this.#isFrozen;
  }

  async start(): Promise<void> {
    const options = ['--port', String(this.port), '--directory', this.folder, '--no-previews'];
    this.#process = new OwnProcess({ args: [join(DIST, 'simulator/main.js'), ...options], log: this.log });
    await this.#process.untilAnswered(`${this.url}/system_stats`);
  }

  async kill(): Promise<void> {
    const dying = this.#process;
    this.#process = undefined;
    this.#isFrozen = false;
    this.deaths += 1;
    await dying?.kill();
  }

  /** It keeps its connections and takes new ones, and does nothing any more. */
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

  /** How often the armed faults struck so far; those that are spent are not told any more. */
  async armed(): Promise<readonly { readonly kind: string; readonly fired: number }[]> {
    const faults = jsonOf(await call(`${this.url}/simulator/faults`)) as { armed: { kind: string; fired: number }[] };
    return faults.armed;
  }

  async clearFaults(kind?: FaultKind): Promise<void> {
    await call(`${this.url}/simulator/faults?kind=${kind ?? ''}`, { method: 'DELETE' });
  }

  async queue(): Promise<Queue> {
    const told = await getJson<{ queue_running: QueueItem[]; queue_pending: QueueItem[] }>(`${this.url}/queue`);
    return { running: told.queue_running, pending: told.queue_pending };
  }

  /** By prompt id; since its process started. */
  history(): Promise<Readonly<Record<string, HistoryEntry>>> {
    return getJson(`${this.url}/history`);
  }

  stats(): Promise<Stats> {
    return getJson(`${this.url}/simulator/stats`);
  }

  /** The pictures it ever made. */
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
