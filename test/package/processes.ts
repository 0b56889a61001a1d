import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Command {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and returns what it wrote to its standard output; throws with all it wrote when it fails. */
export async function run(command: string, args: readonly string[], options: Command): Promise<string> {
  const child = start(command, args, options);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')]);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}:\n${stdout}${stderr}`);
  return stdout;
}

export function start(command: string, args: readonly string[], { cwd, env = {} }: Command): ChildProcess {
  return spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Resolves with the first line; throws with what was written to stderr when the process ends before. */
export async function firstLine(child: ChildProcess): Promise<string> {
  const errors = text(child.stderr!);
  let written = '';
  for await (const chunk of child.stdout!) {
    written += String(chunk);
    if (written.includes('\n')) return written.slice(0, written.indexOf('\n'));
  }
  throw new Error(`It ended before it said anything:\n${await errors}`);
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}
