import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync, readFileSync } from 'node:fs';
import { call } from './http';
import { killAtExit } from './killed-at-exit';
import { until } from './until';

const START_MS = 30_000;
const OUTPUT_SHOWN = 2_000;

export interface Program {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** File for its output. */
  readonly log: string;
  /** Largest size of the files that it writes, in KiB, until {@link OwnProcess.liftLimit}; its output is not limited. */
  readonly largestFile?: number;
}

/** How a process ended: its exit code, or the signal that ended it. */
export type End = number | NodeJS.Signals;

/** A Node process that the tests kill, stop and limit. */
export class OwnProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #isToEnd = false;

  constructor(private readonly program: Program) {
    const node = [process.execPath, ...program.args];
    const limited = ['bash', '-c', `ulimit -S -f ${program.largestFile}; exec "$@"`, 'bash', ...node];
    const [command = '', ...args] = program.largestFile === undefined ? node : limited;
    this.#child = this.#spawn(command, args);
    this.#ended = once(this.#child, 'exit');
    killAtExit(this.#child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Whether it ended without a signal of the tests. */
  get hasCrashed(): boolean {
    return this.hasEnded && !this.#isToEnd;
  }

  /** Resolves when it has ended. */
  async end(): Promise<End> {
    if (!this.hasEnded) await this.#ended;
    return this.#child.exitCode ?? this.#child.signalCode ?? 'SIGKILL';
  }

  /** Resolves when a URL responds with 200. @throws Error with its output if it ends before */
  async untilReady(url: string): Promise<void> {
    const isReady = async () => this.hasEnded || (await call(url, { timeoutMs: 2_000 })).status === 200;
    await until(`${url} responds`, isReady, START_MS);
    if (this.hasEnded) throw new Error(`The process ended: ${this.output().slice(-OUTPUT_SHOWN)}`);
  }

  /** From now on its end is no crash. */
  expectEnd(): void {
    this.#isToEnd = true;
  }

  signal(signal: NodeJS.Signals): void {
    this.#isToEnd ||= signal === 'SIGKILL' || signal === 'SIGTERM';
    this.#child.kill(signal);
  }

  /** Ends it, even if it is stopped. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.end();
  }

  /** Removes the limit of its files. */
  async liftLimit(): Promise<void> {
    await once(spawn('prlimit', ['--pid', String(this.pid), '--fsize=unlimited:']), 'exit');
  }

  /** Its output, with that of earlier processes with the same log. */
  output(): string {
    return readFileSync(this.program.log, 'utf8');
  }

  /** The output of a limited process is piped: a file of its own would be limited too. */
  #spawn(command: string, args: string[]): ChildProcess {
    const { log, largestFile } = this.program;
    const env = { ...process.env, NODE_ENV: 'production', ...this.program.env };
    if (largestFile !== undefined) {
      const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      const file = createWriteStream(log, { flags: 'a' });
      for (const output of [child.stdout, child.stderr]) output.pipe(file, { end: false });
      child.once('close', () => file.end());
      return child;
    }
    const file = openSync(log, 'a');
    const child = spawn(command, args, { env, stdio: ['ignore', file, file] });
    closeSync(file);
    return child;
  }
}
