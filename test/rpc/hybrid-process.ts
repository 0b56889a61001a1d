import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TransportOptions } from '../../src/options/transport.options';

const HOOK = join(__dirname, '../support/typescript.cjs');
const MAIN = join(__dirname, '../../src/main.ts');

/** The service in a process of its own. */
export class HybridProcess {
  readonly lines: string[] = [];
  readonly exit: Promise<[number | null, NodeJS.Signals | null]>;

  private constructor(
    private readonly child: ChildProcess,
    readonly address: TransportOptions,
    private readonly folder: string,
  ) {
    this.exit = once(child, 'exit') as typeof this.exit;
    for (const output of [child.stdout!, child.stderr!])
      createInterface(output).on('line', (line) => this.lines.push(line));
  }

  /** Resolves when it accepts messages, or has exited. */
  static async start(address: TransportOptions, variables: Readonly<Record<string, string>>): Promise<HybridProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'rpc-process-'));
    const { transport, queue = '' } = address;
    const url = address.url === 'tcp://127.0.0.1:0' ? `tcp://127.0.0.1:${await freePort()}` : address.url;
    const env = {
      ...process.env,
      DATA_DIR: folder,
      STORAGE: 'local',
      LOG_FORMAT: 'json',
      PORT: '0',
      MICROSERVICE_TRANSPORT: transport,
      MICROSERVICE_URL: url,
      MICROSERVICE_QUEUE: queue,
      ...variables,
    };
    const child = spawn(process.execPath, ['-r', HOOK, MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const started = new HybridProcess(child, { ...address, url }, folder);
    await Promise.race([started.said('Listening on'), started.exit]);
    return started;
  }

  async said(text: string): Promise<void> {
    while (!this.lines.some((line) => line.includes(text)) && this.child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async remove(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await this.exit;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
