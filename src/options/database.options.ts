import { Check, OneOf, Text } from './checks';
import { type Role, ROLES } from './role';
import { Setting } from './setting';

/** Where jobs are kept, and how several processes share them. */
export class DatabaseSettings {
  /**
   * Folder of the embedded database and of files, for one process; beside `databaseUrl`, of files only. Without either, jobs
   * last as long as the process.
   * @defaultValue `./data` in the service, none in the module
   */
  @Setting('DATA_DIR', { serviceDefault: './data' })
  @Text()
  dataDirectory?: string;

  /** PostgreSQL for the jobs, instead of the embedded database: `postgres://user:password@host:5432/database`. */
  @Setting('DATABASE_URL')
  @Check((url) => urlProblem(url, /^postgres(?:ql)?:\/\//, 'postgres://user:password@host:5432/database'))
  databaseUrl?: string;

  /**
   * Redis for processes that share their work through `databaseUrl`: `redis[s]://[[user]:password@]host[:port][/database]`.
   * It carries their messages instead of PostgreSQL, and previews and the progress of `GET /jobs/:id` with them.
   */
  @Setting('REDIS_URL')
  @Check(redisUrlProblem)
  redisUrl?: string;

  /**
   * Part of the work of this process, of several on one `databaseUrl`: `api` serves requests, `worker` drives the ComfyUI
   * servers, `all` does both.
   */
  @Setting('ROLE')
  @Check((role, { databaseUrl }: DatabaseSettings) =>
    role === 'all' || databaseUrl !== undefined
      ? undefined
      : `${String(role)} goes with {databaseUrl}, which the processes share`,
  )
  @OneOf(ROLES)
  role: Role = 'all';
}

function redisUrlProblem(url: unknown, { databaseUrl }: DatabaseSettings): string | undefined {
  const problem = urlProblem(url, /^rediss?:\/\//, 'redis://user:password@host:6379');
  if (problem !== undefined || databaseUrl !== undefined) return problem;
  return 'goes with {databaseUrl}: what Redis carries is stored in PostgreSQL';
}

function urlProblem(url: unknown, scheme: RegExp, example: string): string | undefined {
  if (typeof url !== 'string' || url === '') return 'must be text that is not empty';
  return scheme.test(url) && URL.canParse(url) ? undefined : `must be a URL such as ${example}`;
}
