import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const HOOK = join(__dirname, '..', 'support', 'typescript.cjs');
const OTHER_PROCESS = join(__dirname, 'other-process.ts');

/** Another process that publishes a job of this id, work and a cancellation. @param option of `openEventBus`, with its URL */
export async function runOtherProcess(
  option: string,
  url: string,
  jobId: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly revision?: number }> {
  const args = ['-r', HOOK, OTHER_PROCESS, option, url, jobId];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout.trim()) as { revision?: number };
}
