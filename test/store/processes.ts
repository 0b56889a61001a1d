import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const HOOK = join(__dirname, '..', 'support', 'typescript.cjs');
const OTHER_PROCESS = join(__dirname, 'other-process.ts');

export interface OtherProcess {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  /** Its first report. */
  readonly report: Promise<Record<string, unknown>>;
  /** Resolves at its end. */
  readonly gone: Promise<unknown>;
}

/** @param largestFile in KiB: limit of the operating system for the size of a file */
export function startOtherProcess(
  mode: 'hold' | 'add' | 'fill',
  directory: string,
  largestFile?: number,
): OtherProcess {
  const node = [process.execPath, '-r', HOOK, OTHER_PROCESS, mode, directory];
  const limited = ['bash', '-c', `ulimit -f ${largestFile}; exec "$@"`, 'bash', ...node];
  const [command = '', ...args] = largestFile === undefined ? node : limited;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'close');
  return { child, report: firstLine(child.stdout, gone), gone };
}

async function firstLine(output: Readable, gone: Promise<unknown>): Promise<Record<string, unknown>> {
  const line = once(createInterface(output), 'line');
  const nothing = gone.then(() => {
    throw new Error('the other process ended without a report');
  });
  const [text] = (await Promise.race([line, nothing])) as [string];
  return JSON.parse(text) as Record<string, unknown>;
}
