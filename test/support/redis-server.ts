import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually';

/** A Redis server for one test, which can be killed, frozen and started again; it stores nothing on disk. */
export class RedisServer {
  #child: ChildProcess | undefined;

  private constructor(
    private readonly directory: string,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  /** @param settings of the command line */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const directory = await mkdtemp(join(tmpdir(), 'redis-spec-'));
    const server = new RedisServer(directory, await freePort(), settings);
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, after `kill` on the same port. */
  async run(): Promise<void> {
    const place = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.directory];
    const keeping = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
    this.#child = spawn('redis-server', [...place, ...keeping, ...this.settings], { stdio: 'ignore' });
    await eventually(() => connects(this.port));
  }

  /** @returns the URL of a second port, with TLS */
  async alsoByTls(): Promise<string> {
    const port = await freePort();
    await onRedis(this.url, (redis) => redis.config('SET', 'tls-port', String(port)));
    return `rediss://localhost:${port}`;
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Uses the server as another program does. */
export async function onRedis<T>(url: string, act: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { protocol: 2 });
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}

/** Resolves when each of these channels has a subscriber. */
export async function channelsSubscribed(url: string, channels: readonly string[]): Promise<void> {
  await onRedis(url, (redis) =>
    eventually(async () => {
      const counts = (await redis.pubsub('NUMSUB', ...channels)) as (string | number)[];
      const without = counts.filter((count, index) => index % 2 === 1 && Number(count) === 0);
      if (without.length > 0) throw new Error(`${without.length} channels have no subscriber`);
    }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function connects(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** Tests that start their own Redis: without the program they fail in CI, and are left out with a warning elsewhere. */
export function describeWithServer(name: string, suite: () => void): void {
  if (isInstalled()) describe(name, suite);
  else if (process.env.CI) it(`finds redis-server: ${name}`, () => expect(isInstalled()).toBe(true));
  else {
    console.warn(`NOTHING is tested of "${name}": redis-server is not installed.`);
    it.todo(name);
  }
}

function isInstalled(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}
