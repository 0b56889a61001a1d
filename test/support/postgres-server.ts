import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = join(__dirname, '../../.ci/postgres');
const run = promisify(execFile);

/** A PostgreSQL server for one test, which can be killed and started again. */
export class PostgresServer {
  private constructor(
    readonly url: string,
    private readonly folder: string,
  ) {}

  static async start(): Promise<PostgresServer> {
    const { stdout } = await run(SCRIPT, ['start']);
    const [, url = '', folder = ''] = /TEST_DATABASE_URL=(\S+)\s+POSTGRES_DIR=(\S+)/.exec(stdout) ?? [];
    return new PostgresServer(url, folder);
  }

  /** Ends it at once, as a power cut does. */
  async kill(): Promise<void> {
    await run(SCRIPT, ['crash', this.folder]);
  }

  /** Starts it again, on the same port. */
  async run(): Promise<void> {
    await run(SCRIPT, ['resume', this.folder]);
  }

  async remove(): Promise<void> {
    await run(SCRIPT, ['stop', this.folder]);
  }
}
