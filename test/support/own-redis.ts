import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SCRIPT = join(__dirname, '../../.ci/redis');
const run = promisify(execFile);

/** A Redis that one test has for itself, to crash it. */
export class OwnRedis {
  private constructor(
    readonly url: string,
    private readonly folder: string,
  ) {}

  static async start(): Promise<OwnRedis> {
    const { stdout } = await run(SCRIPT, ['start']);
    const [, url = '', folder = ''] = /TEST_REDIS_URL=(\S+)\s+REDIS_DIR=(\S+)/.exec(stdout) ?? [];
    return new OwnRedis(url, folder);
  }

  async crash(): Promise<void> {
    await run(SCRIPT, ['kill', this.folder]);
  }

  /** On the same port. */
  async startAgain(): Promise<void> {
    await run(SCRIPT, ['again', this.folder]);
  }

  async command(...words: string[]): Promise<string> {
    return (await run('redis-cli', ['-u', this.url, ...words])).stdout;
  }

  async stop(): Promise<void> {
    await run(SCRIPT, ['stop', this.folder]);
  }
}
