import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** Tests that need Redis: without one they fail in CI, and are left out loudly elsewhere. */
export function describeOnRedis(name: string, define: () => void): void {
  if (process.env.TEST_REDIS_URL) describe(name, define);
  else if (process.env.CI) it('finds a Redis to be tested on', () => expect(redisUrl(0)).toBeDefined());
  else {
    console.warn('NOTHING is tested on Redis: run `export $(.ci/redis start)` first.');
    it.todo(`${name}: works on Redis`);
  }
}

/** A database of the server of `TEST_REDIS_URL`; each file of tests has its own. */
export function redisUrl(database: number): string {
  const { TEST_REDIS_URL } = process.env;
  if (!TEST_REDIS_URL) throw new Error('TEST_REDIS_URL is not set: run `export $(.ci/redis start)` first.');
  return `${TEST_REDIS_URL}/${database}`;
}

/** As another program would that uses the same server. */
export async function onRedis<T>(url: string, act: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    return await act(client);
  } finally {
    client.disconnect();
  }
}

/** A server of a test's own, to do it harm. */
export class RedisServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(...settings: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'redis-spec-')));
    await server.again(...settings);
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** @param settings as on its command line */
  async again(...settings: string[]): Promise<void> {
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory, '--save', ''];
    const child = spawn('redis-server', [...place, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    for await (const chunk of child.stdout) if (/Ready to accept connections/.test(String(chunk))) break;
    child.stdout.on('data', () => undefined);
  }

  /** Ends it as a crash would; what it held is lost, unless the settings say otherwise. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
