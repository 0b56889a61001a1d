import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Job } from '../../src/domain/job/job';
import { openDatabase } from '../../src/infrastructure/database/open-database';
import { describeAssignedAtOnce } from './assigned-at-once.contract';
import { assigned, waitingJob, WORKFLOW } from './jobs';
import { Opened } from './opened';
import { describeOnPostgres, inPostgres, inSharedPostgres, onServer, type PostgresPlace, serverUrl } from './places';
import { describeSharedClaim } from './shared-claim.contract';

describeOnPostgres('PostgreSQL', () => {
  const makePlace = inSharedPostgres();
  let place: PostgresPlace;
  let opened: Opened;

  beforeEach(async () => {
    place = await makePlace();
    opened = await Opened.at(place.options);
  });

  afterEach(async () => {
    await opened.database.close();
    await place.remove();
  });

  const count = async () => (await onServer('select count(*)::int from comfyui.jobs', place.url))[0]?.count;

  /** Ends all other sessions, as a restart of the server does. */
  const endSessions = () =>
    onServer(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${place.name}'
      and pid <> pg_backend_pid()`,
      place.url,
    ).then((rows) => rows.length);

  it('returns numbers for 64-bit columns', async () => {
    await opened.add(waitingJob());
    const row = await opened.database.kysely.selectFrom('jobs').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ queued_at: expect.any(Number), queue_order: expect.any(Number) });
  });

  it('keeps all tables in its own schema', async () => {
    const tables = await onServer(
      `select distinct table_schema from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')`,
      place.url,
    );
    expect(tables).toEqual([{ table_schema: 'comfyui' }]);
  });

  it('is set up once by processes that start at the same time', async () => {
    const fresh = await inPostgres();
    const all = await Promise.all(Array.from({ length: 4 }, () => Opened.at(fresh.options)));
    const jobs = await Promise.all(all.map((each) => each.add(waitingJob())));
    for (const { id } of jobs) expect(await all[0]?.find(id)).toBeDefined();
    await Promise.all(all.map(({ database }) => database.close()));
    await fresh.remove();
  });

  it('keeps the limit, the keys and the claims exact between processes', async () => {
    const other = await Opened.at(place.options);
    const both = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? opened : other));
    const idempotency = { key: 'k', requestHash: 'h' };
    const same = await Promise.all(both.map((each) => each.add(waitingJob(), { idempotency })));
    expect(new Set(same.map(({ id }) => id)).size).toBe(1);
    const claims = await Promise.all(both.map(({ jobs }) => jobs.save(assigned(same[0]!), 0)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    const limited = await Promise.allSettled(both.map((each) => each.add(waitingJob(), { maxQueue: 7 })));
    expect(limited.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
    await other.database.close();
  });

  it('is waited for while another session locks the table', async () => {
    const added: Job[] = [];
    let adding: Promise<unknown> | undefined;
    await opened.database.kysely.transaction().execute(async (transaction) => {
      await sql`lock table comfyui.jobs`.execute(transaction);
      adding = opened.add(waitingJob()).then((job) => added.push(job));
      await setTimeout(300);
      expect(added).toEqual([]);
    });
    await adding;
    expect(await opened.find(added[0]!.id)).toStrictEqual(added[0]);
  });

  it('may restart: the next call connects again', async () => {
    await Promise.all(Array.from({ length: 5 }, () => opened.add(waitingJob())));
    expect(await endSessions()).toBeGreaterThan(0);
    await opened.add(waitingJob());
    expect(await count()).toBe(6);
    await endSessions();
    await setTimeout(100);
    expect((await opened.jobs.list({ limit: 10 })).jobs).toHaveLength(6);
  });

  it('may restart while a call waits for it', async () => {
    const locked = onServer(`begin; lock table comfyui.jobs; select pg_sleep(10); commit`, place.url);
    const interrupted = locked.catch((error: Error) => error.message);
    await setTimeout(100);
    const calls = Promise.all([opened.add(waitingJob()), opened.jobs.list({ limit: 1 })]);
    await setTimeout(300);
    await endSessions();
    await calls;
    expect(await interrupted).toMatch(/terminat/);
    expect(await count()).toBe(1);
  });

  it('may end a session between two statements of a transaction', async () => {
    const transaction = opened.database.kysely.transaction().execute(async (within) => {
      await sql`select 1`.execute(within);
      await endSessions();
      await setTimeout(200);
      await sql`select 1`.execute(within);
    });
    await expect(transaction).rejects.toThrow(/terminat|not queryable/i);
    await opened.add(waitingJob());
  });

  it('keeps the password out of errors about its address', async () => {
    const secret = 's3cret';
    const urls = [
      `postgres://user:${secret}@127.0.0.1:1/db`,
      `postgres://user:${secret}@[bad/db`,
      `mysql://user:${secret}@127.0.0.1/db`,
      `postgres://user:${secret}@127.0.0.1:99999/db`,
      serverUrl().replace(/\/[^/]*$/, '/no_such_database'),
    ];
    const answers = await Promise.allSettled(urls.map((databaseUrl) => openDatabase({ databaseUrl })));
    const [unreachable, , , , missing] = answers;
    expect(unreachable).toMatchObject({ reason: { message: 'The job database cannot be reached (ECONNREFUSED).' } });
    expect(missing).toMatchObject({ reason: { message: 'The job database does not exist on that server (3D000).' } });
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'storage_failed' } });
      const { reason } = answer as PromiseRejectedResult;
      expect(`${reason} ${JSON.stringify(reason)} ${JSON.stringify(reason.cause)}`).not.toContain(secret);
    }
  });

  describe('a job with an assignment', () => {
    describeAssignedAtOnce(() => opened);
  });

  describe('a claim under a lease', () => {
    describeSharedClaim(
      () => opened,
      () => place,
    );
  });

  it('reports a pooler that changes connections between transactions', async () => {
    const job = await opened.add(waitingJob());
    await opened.find(job.id);
    await sql`deallocate all`.execute(opened.database.kysely);
    const message = expect.stringContaining('a pooler, or with one in session mode (26000)');
    await expect(opened.find(job.id)).rejects.toMatchObject({ code: 'storage_failed', message });
  });

  it('gives no query the answer of another when a value cannot be sent, and commits nothing', async () => {
    const { database } = opened;
    const circular: Record<string, unknown> = {};
    circular.itself = circular;
    const select = (value: unknown) => sql<{ value: string }>`select ${value}::text as value`.compile(database.kysely);
    const answers = await database
      .transact((transaction) => {
        const file = { sha256: 'a', stored_at: 1, removing_at: null };
        transaction.send(transaction.kysely.insertInto('files').values(file).compile());
        return Promise.allSettled([circular, 'a', 'b'].map((one) => transaction.run(select(one))));
      })
      .catch((error: unknown) => error);
    expect(answers).toMatchObject({ message: expect.stringContaining('circular') });
    expect(await database.kysely.selectFrom('files').selectAll().execute()).toEqual([]);
    expect((await database.statements.run(select('c'))).rows).toEqual([{ value: 'c' }]);
  });

  it('keeps its plans valid while a newer version adds a column', async () => {
    const use = async () => {
      for (let round = 0; round < 8; round += 1) {
        const job = await opened.add(waitingJob(), { idempotency: { key: `${Math.random()}`, requestHash: 'x' } });
        expect(await opened.jobs.find(job.id, { withWorkflow: true })).toEqual({ job, ahead: 0, workflow: WORKFLOW });
        expect(await opened.jobs.save(assigned(job), 0)).toBe(true);
        expect(await opened.find(job.id)).toMatchObject({ fencingToken: 1 });
      }
    };
    await use();
    for (const table of ['jobs', 'workflows', 'files'])
      await onServer(`alter table comfyui.${table} add column later text`, place.url);
    await use();
  });
});

it('names the package that is missing', async () => {
  jest.resetModules();
  jest.doMock('pg', () => {
    throw Object.assign(new Error("Cannot find module 'pg'"), { code: 'MODULE_NOT_FOUND' });
  });
  const path = '../../src/infrastructure/database/open-database';
  const { openDatabase: openWithoutPg } = jest.requireActual<{ openDatabase: typeof openDatabase }>(path);
  await expect(openWithoutPg({ databaseUrl: 'postgres://127.0.0.1/db' })).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringContaining('npm install pg'),
  });
});
