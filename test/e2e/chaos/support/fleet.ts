import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onServer } from '../../../store/places';
import { Auditor } from './auditor';
import { ComfyUIProcess } from './comfyui-process';
import { Front } from './front';
import { type Answer, call, type Call } from './http';
import { lastLines } from './log-lines';
import type { Orders } from './orders';
import { PostgresServer, RedisServer } from './servers';
import { ServiceProcess } from './service-process';

export interface FleetOptions {
  readonly apis?: number;
  /** Role of the processes that serve requests; default `api`. */
  readonly frontRole?: 'api' | 'all';
  readonly workers?: number;
  readonly backends?: number;
  /** Default true. */
  readonly redis?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const LOG_LINES = 40;

/** Several processes of the service on one PostgreSQL, one Redis and one folder for files, and the ComfyUI servers they share. */
export class Fleet {
  /** All apis behind one address. */
  readonly front: Front;
  readonly audit: Auditor;

  private constructor(
    private readonly folder: string,
    readonly postgres: PostgresServer,
    readonly redis: RedisServer | undefined,
    readonly backends: readonly ComfyUIProcess[],
    readonly apis: readonly ServiceProcess[],
    readonly workers: readonly ServiceProcess[],
  ) {
    this.front = new AnyOf(apis);
    this.audit = new Auditor(this.front, backends);
  }

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const { apis = 2, frontRole = 'api', workers = 2, backends = 4, redis = true, env } = options;
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-comfyui-fleet-'));
    const [postgres, redisServer] = await Promise.all([
      PostgresServer.create(),
      redis ? RedisServer.create() : undefined,
    ]);
    const servers = await Promise.all(
      Array.from({ length: backends }, (_, index) => ComfyUIProcess.at(folder, `backend-${index + 1}`)),
    );
    const shared = {
      COMFYUI_BASE_URL: servers.map(({ url }) => url).join(','),
      DATABASE_URL: postgres.url,
      DATA_DIR: join(folder, 'data'),
      ...(redisServer && { REDIS_URL: redisServer.url }),
      ...env,
    };
    const processes = (role: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const own = join(folder, `${role}-${index + 1}`);
          await mkdir(own);
          return ServiceProcess.at(own, { env: { ...shared, ROLE: role } });
        }),
      );
    const fleet = new Fleet(
      folder,
      postgres,
      redisServer,
      servers,
      await processes(frontRole, apis),
      await processes('worker', workers),
    );
    try {
      await Promise.all(fleet.#processes.map((process) => process.start()));
      return fleet;
    } catch (error) {
      console.error(await fleet.log());
      await fleet.close();
      throw error;
    }
  }

  get orders(): Orders {
    return this.audit.orders;
  }

  get #processes(): readonly (ServiceProcess | ComfyUIProcess)[] {
    return [...this.backends, ...this.apis, ...this.workers];
  }

  /** Number of leases of each worker. */
  async parts(): Promise<readonly number[]> {
    const query = 'select count(*)::int as part from comfyui.leases where expires_at > 0 group by holder';
    return (await onServer(query, this.postgres.url)).map(({ part }) => Number(part));
  }

  /** The last lines of all logs. */
  async log(): Promise<string> {
    const logs = [...this.apis, ...this.workers].map(async (process) => {
      return `${process.log}\n${lastLines(await this.logOf(process), LOG_LINES)}`;
    });
    return (await Promise.all(logs)).join('\n\n');
  }

  logOf({ log }: ServiceProcess): Promise<string> {
    return readFile(log, 'utf8').catch(() => '');
  }

  /** Ends all processes and removes all files, in any state. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill()));
    await this.audit.close();
    await Promise.all([this.postgres.close(), this.redis?.close()]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Sends requests to the running processes in turn, as a load balancer does. */
class AnyOf extends Front {
  #turn = 0;

  constructor(private readonly processes: readonly ServiceProcess[]) {
    super();
  }

  get hasCrashed(): boolean {
    return this.processes.some(({ hasCrashed }) => hasCrashed);
  }

  get url(): string {
    this.#turn += 1;
    const up = this.processes.filter(({ isUp }) => isUp);
    return (up[this.#turn % up.length] ?? this.processes[0]!).url;
  }

  call(path: string, options?: Call): Promise<Answer> {
    return call(this.url + path, options);
  }
}
