import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync, readFileSync } from 'node:fs';
import { call } from './http';
import { killAtExit } from './killed-at-exit';
import { until } from './until';

const START_MS = 30_000;
const OUTPUT_TOLD = 2_000;

export interface Program {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes. */
  readonly log: string;
  /** KiB that any file it writes may have, until {@link OwnProcess.liftLimit}; its own output is spared. */
  readonly largestFile?: number;
}

/** How a process ended: its exit code, or the signal that ended it. */
export type End = number | NodeJS.Signals;

/** A Node process that we may treat as badly as a machine does. */
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

  /** Whether it ended and nobody here had told it to. */
  get hasCrashed(): boolean {
    return this.hasEnded && !this.#isToEnd;
  }

  /** Resolves when it is no more. */
  async end(): Promise<End> {
    if (!this.hasEnded) await this.#ended;
    return this.#child.exitCode ?? this.#child.signalCode ?? 'SIGKILL';
  }

  /** Resolves when an address is answered with 200. @throws Error with what it said when it ends before */
  async untilAnswered(url: string): Promise<void> {
    const isAnswered = async () => this.hasEnded || (await call(url, { timeoutMs: 2_000 })).status === 200;
    await until(`${url} is answered`, isAnswered, START_MS);
    if (this.hasEnded) throw new Error(`It ended at once: ${this.output().slice(-OUTPUT_TOLD)}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#isToEnd ||= signal === 'SIGKILL' || signal === 'SIGTERM';
    this.#child.kill(signal);
  }

  /** Also when it is stopped. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.end();
  }

  /** Its disk has room again. */
  async liftLimit(): Promise<void> {
    await once(spawn('prlimit', ['--pid', String(this.pid), '--fsize=unlimited:']), 'exit');
  }

  /** All it said, of the processes before it with the same log too. */
  output(): string {
    return readFileSync(this.program.log, 'utf8');
  }

  /** A file for the output of a limited process would be limited like its other files. */
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
