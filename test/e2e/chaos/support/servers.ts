import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { killAtExit } from './killed-at-exit';
import { ownPort } from './ports';
import { until } from './until';

const run = promisify(execFile);

/** A server that the service depends on, which the tests kill. */
export interface Server {
  readonly url: string;
  start(): Promise<void>;
  /** Ends it like a crash of its machine. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** A PostgreSQL cluster for one test block. */
export class PostgresServer implements Server {
  private constructor(
    readonly url: string,
    private readonly directory: string,
  ) {}

  static async create(): Promise<PostgresServer> {
    const settings = Object.fromEntries(
      (await script('start')).split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2)),
    ) as Record<string, string>;
    return new PostgresServer(settings.TEST_DATABASE_URL ?? '', settings.POSTGRES_DIR ?? '');
  }

  async start(): Promise<void> {
    await script('resume', this.directory);
  }

  async kill(): Promise<void> {
    await script('crash', this.directory);
  }

  async close(): Promise<void> {
    await script('stop', this.directory);
  }
}

async function script(...args: string[]): Promise<string> {
  return (await run('.ci/postgres', args)).stdout;
}

/** A Redis without persistence for one test block. */
export class RedisServer implements Server {
  #child: ChildProcess | undefined;

  private constructor(private readonly port: number) {}

  static async create(): Promise<RedisServer> {
    const server = new RedisServer(await ownPort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { stdio: 'ignore', cwd: '/' });
    this.#child = child;
    killAtExit(child);
    await until('Redis listens', () => this.#listens());
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  close(): Promise<void> {
    return this.kill();
  }

  #listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
  }
}
