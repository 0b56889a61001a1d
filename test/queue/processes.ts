import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const HOOK = join(__dirname, '..', 'support', 'typescript.cjs');

interface Taker {
  readonly told: { readonly jobId?: string; readonly error?: string };
  kill(): Promise<void>;
}

/** Another process that has taken a ticket, or could not. */
export async function startTaker(redisUrl: string, env: NodeJS.ProcessEnv = {}): Promise<Taker> {
  const args = ['-r', HOOK, join(__dirname, 'other-process.ts'), redisUrl];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const gone = once(child, 'exit');
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  return { told: JSON.parse(line) as Taker['told'], kill };
}
