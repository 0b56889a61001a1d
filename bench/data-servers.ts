import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './processes';
import { ROOT } from './root';

const run = promisify(execFile);
const POSTGRES = join(ROOT, '.ci/postgres');

/** A PostgreSQL with `fsync`, and a Redis without persistence. */
export interface DataServers {
  /** Settings of the service. */
  readonly env: { readonly DATABASE_URL: string; readonly REDIS_URL: string };
  stop(): Promise<void>;
}

export async function startDataServers(): Promise<DataServers> {
  const { TEST_DATABASE_URL = '', POSTGRES_DIR = '' } = await startPostgres();
  const port = String(await freePort());
  const redis = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  return {
    env: { DATABASE_URL: TEST_DATABASE_URL, REDIS_URL: `redis://127.0.0.1:${port}` },
    stop: async () => {
      const ended = once(redis, 'exit');
      redis.kill();
      await Promise.all([ended, run(POSTGRES, ['stop', POSTGRES_DIR])]);
    },
  };
}

/** Resolves with the printed `NAME=value` lines. */
async function startPostgres(): Promise<Record<string, string>> {
  const { stdout } = await run(POSTGRES, ['start'], { env: { ...process.env, FSYNC: 'on' } });
  return Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
}
