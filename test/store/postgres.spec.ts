import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Job } from '../../src/domain/job/job';
import { openDatabase } from '../../src/infrastructure/database/open-database';
import { collected } from '../support/collected';
import { FaultyWire } from './faulty-wire';
import { describeHandedAtOnce } from './handed-at-once.contract';
import { handed, waitingJob, WORKFLOW } from './jobs';
import { describeLeases } from './leases.contract';
import { Opened } from './opened';
import { inPostgres, onServer, serverUrl } from './places';
import { describeStore } from './store.contract';
import { fileChanges } from './stored-files.contract';

if (process.env.TEST_DATABASE_URL) {
  describePostgres();
} else if (process.env.CI) {
  it('finds a PostgreSQL server to be tested on', () => expect(serverUrl()).toBeDefined());
} else {
  console.warn('NOTHING is tested on PostgreSQL: run `export $(.ci/postgres start)` first.');
  it.todo('works on PostgreSQL');
}

function describePostgres(): void {
  describeStore('PostgreSQL', inPostgres, { lasts: true });
  describe('PostgreSQL', () => {
    let place: Awaited<ReturnType<typeof inPostgres>>;
    let opened: Opened;

    beforeEach(async () => {
      place = await inPostgres();
      opened = await Opened.at(place.options);
    });

    afterEach(async () => {
      await opened.database.close();
      await place.remove();
    });

    describe('leases', () => {
      describeLeases(inPostgres);
    });

    const count = async () => (await onServer('select count(*)::int from comfyui.jobs', place.url))[0]?.count;

    /** Ends all sessions but the one that asks, as a restart of the server does. */
    const endSessions = () =>
      onServer(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${place.name}'
        and pid <> pg_backend_pid()`,
        place.url,
      ).then((rows) => rows.length);

    it('gives numbers for 64-bit columns', async () => {
      await opened.add(waitingJob());
      const row = await opened.database.kysely.selectFrom('jobs').selectAll().executeTakeFirstOrThrow();
      expect(row).toMatchObject({ queued_at: expect.any(Number), queue_order: expect.any(Number) });
    });

    it('keeps everything in a schema of its own', async () => {
      const tables = await onServer(
        `select distinct table_schema from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')`,
        place.url,
      );
      expect(tables).toEqual([{ table_schema: 'comfyui' }]);
    });

    it('is set up once by processes that start at once, and shared by them', async () => {
      const fresh = await inPostgres();
      const all = await Promise.all(Array.from({ length: 4 }, () => Opened.at(fresh.options)));
      const jobs = await Promise.all(all.map((each) => each.add(waitingJob())));
      for (const { id } of jobs) expect(await all[0]?.store.find(id)).toBeDefined();
      await Promise.all(all.map(({ database }) => database.close()));
      await fresh.remove();
    });

    it('keeps the limit, the keys and the claims exact between processes', async () => {
      const other = await Opened.at(place.options);
      const both = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? opened : other));
      const idempotency = { key: 'k', requestHash: 'h' };
      const same = await Promise.all(both.map((each) => each.add(waitingJob(), { idempotency })));
      expect(new Set(same.map(({ id }) => id)).size).toBe(1);
      const claims = await Promise.all(both.map(({ store }) => store.save(handed(same[0]!), 0)));
      expect(claims.filter(Boolean)).toHaveLength(1);
      const limited = await Promise.allSettled(both.map((each) => each.add(waitingJob(), { maxQueue: 7 })));
      expect(limited.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
      await other.database.close();
    });

    it('is waited for while another session locks the table', async () => {
      const locked = onServer(`begin; lock table comfyui.jobs; select pg_sleep(1); commit`, place.url);
      await setTimeout(100);
      const before = Date.now();
      const job = await opened.add(waitingJob());
      expect(Date.now() - before).toBeGreaterThan(700);
      expect(await opened.store.find(job.id)).toStrictEqual(job);
      await locked;
    });

    it('may restart: the next call connects again', async () => {
      await Promise.all(Array.from({ length: 5 }, () => opened.add(waitingJob())));
      expect(await endSessions()).toBeGreaterThan(0);
      await opened.add(waitingJob());
      expect(await count()).toBe(6);
      await endSessions();
      await setTimeout(100);
      await expect(opened.store.check()).resolves.toBeUndefined();
    });

    it('may restart while a call waits for it', async () => {
      const locked = onServer(`begin; lock table comfyui.jobs; select pg_sleep(10); commit`, place.url);
      const interrupted = locked.catch((error: Error) => error.message);
      await setTimeout(100);
      const calls = Promise.all([opened.add(waitingJob()), opened.store.list({ statuses: [], limit: 1 })]);
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

    it('whose address is wrong is told about without the password', async () => {
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
      expect(unreachable).toMatchObject({ reason: { message: 'The job database can not be reached (ECONNREFUSED).' } });
      expect(missing).toMatchObject({ reason: { message: 'The job database does not exist on that server (3D000).' } });
      for (const answer of answers) {
        expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'storage_failed' } });
        const { reason } = answer as PromiseRejectedResult;
        expect(`${reason} ${JSON.stringify(reason)} ${JSON.stringify(reason.cause)}`).not.toContain(secret);
      }
    });

    describe('a job that a server can get at once', () => {
      describeHandedAtOnce(() => opened);
    });

    it('says what is wrong behind a pooler that changes connections between transactions', async () => {
      const job = await opened.add(waitingJob());
      await opened.store.find(job.id);
      await sql`deallocate all`.execute(opened.database.kysely);
      const message = expect.stringContaining('a pooler, or with one in session mode (26000)');
      await expect(opened.store.find(job.id)).rejects.toMatchObject({ code: 'storage_failed', message });
    });

    it('gives no query the answer of another when a value can not be sent', async () => {
      const { database } = opened;
      const circular: Record<string, unknown> = {};
      circular.itself = circular;
      const select = (value: unknown) =>
        sql<{ value: string }>`select ${value}::text as value`.compile(database.kysely);
      const answers = await database
        .transact((transaction) => Promise.allSettled([circular, 'a', 'b'].map((one) => transaction.run(select(one)))))
        .catch((error: unknown) => error);
      expect(answers).toMatchObject({ message: expect.stringContaining('circular') });
      expect((await database.statements.run(select('c'))).rows).toEqual([{ value: 'c' }]);
    });

    it('goes on with its plans while a newer version adds a column', async () => {
      const use = async () => {
        for (let round = 0; round < 8; round += 1) {
          const job = await opened.add(waitingJob(), { idempotency: { key: `${Math.random()}`, requestHash: 'x' } });
          expect(await opened.store.open(job.id)).toEqual({ job, workflow: WORKFLOW });
          expect(await opened.store.save(handed(job), 0)).toBe(true);
          expect(await opened.store.find(job.id)).toMatchObject({ fencingToken: 1 });
        }
      };
      await use();
      for (const table of ['jobs', 'workflows', 'files'])
        await onServer(`alter table comfyui.${table} add column later text`, place.url);
      await use();
    });

    describe('behind a wire that breaks', () => {
      let wire: FaultyWire;
      let far: Opened;

      beforeEach(async () => {
        wire = await FaultyWire.to(place.url);
        far = await Opened.at({ databaseUrl: wire.url });
      });

      afterEach(async () => {
        await far.database.close();
        await wire.close();
      });

      it.each(['begin', 'pg_advisory', 'insert into', 'commit'])(
        'after `%s` a job is added once',
        async (statement) => {
          wire.loseAnswerTo(statement);
          const job = waitingJob();
          const added = await far.store.add({ job, workflow: WORKFLOW, maxQueue: 1 });
          expect(added).toEqual({ job, isNew: true });
          expect(wire.hasLost).toBe(true);
          expect(await count()).toBe(1);
          expect(await far.store.workflow(job.id)).toEqual(WORKFLOW);
        },
      );

      it('a claim is known to have been ours', async () => {
        const job = await far.add(waitingJob());
        wire.loseAnswerTo('update "comfyui"."jobs"');
        expect(await far.store.save(handed(job), 0)).toBe(true);
        expect(wire.hasLost).toBe(true);
      });

      it('a claim is known to have been another’s, who wrote the same to the letter', async () => {
        const claim = handed(await far.add(waitingJob()));
        expect(await opened.store.save(claim, 0)).toBe(true);
        wire.loseAnswerTo('update "comfyui"."jobs"');
        expect(await far.store.save(claim, 0)).toBe(false);
        expect(wire.hasLost).toBe(true);
      });

      it('a job, its claim, and its end with files travel once there and back', async () => {
        await far.add(handed(waitingJob()));
        const exchanges = async (act: () => Promise<unknown>) => {
          const before = wire.exchanges;
          await act();
          return wire.exchanges - before;
        };
        const job = { ...waitingJob(), queuedAt: Date.now() + 1_000 };
        expect(await exchanges(() => far.add(job))).toBe(1);
        expect(await exchanges(() => far.store.save(handed(job), 0))).toBe(1);
        const files = fileChanges([collected(), collected({ filename: 'b.png' })]);
        const ended: Job = { ...job, status: 'succeeded', fencingToken: 2, endedAt: Date.now() };
        expect(await exchanges(() => far.store.save(ended, 1, { files }))).toBe(1);
        expect(await opened.store.find(job.id)).toMatchObject({ status: 'succeeded' });
      });

      it('an end is written with its files once', async () => {
        const job = await far.add(waitingJob());
        const file = collected();
        wire.loseAnswerTo('insert into "comfyui"."assets"');
        const ended: Job = { ...job, status: 'succeeded', outputs: [file], endedAt: Date.now() };
        expect(await far.store.save(ended, 0, { files: fileChanges([file]) })).toBe(true);
        expect(wire.hasLost).toBe(true);
        expect(await opened.assets.find(file.assetId)).toBeDefined();
      });

      it('a connection that carries nothing is given up', async () => {
        const job = await far.add(waitingJob());
        wire.fallSilent();
        await expect(far.store.find(job.id)).rejects.toMatchObject({
          code: 'storage_failed',
          message: 'The job database can not be reached.',
        });
        expect(await far.store.find(job.id)).toStrictEqual(job);
      });
    });
  });
}

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
