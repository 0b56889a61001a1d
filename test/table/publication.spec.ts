import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { AssetLinks } from '../../src/application/assets/asset-links';
import { PeriodicTasks } from '../../src/application/maintenance/periodic-tasks';
import { ShutdownState } from '../../src/application/maintenance/shutdown-state';
import { OutboxRelay } from '../../src/application/outbox/outbox-relay';
import { GenerationRows } from '../../src/application/outbox/generation-rows';
import { RowPublisher } from '../../src/application/outbox/row-publisher';
import { ComfyUIError } from '../../src/domain/errors';
import type { Job } from '../../src/domain/job/job';
import type { Workflow } from '../../src/domain/workflow/workflow';
import type { Database } from '../../src/infrastructure/database/database';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyOutboxRepository } from '../../src/infrastructure/database/kysely-outbox-repository';
import { openDatabase } from '../../src/infrastructure/database/open-database';
import { supabaseGenerationTable } from '../../src/infrastructure/supabase-table/supabase-table';
import { localStorage } from '../../src/infrastructure/storage/local/local-storage';
import { Timing } from '../../src/options/timing';
import { changed, entryOf, started, succeeded, waitingJob } from '../store/jobs';
import { eventually } from '../support/eventually';
import { encode, graph } from '../support/graphs';
import { PostgrestStandIn } from '../support/supabase/postgrest-stand-in';
import { ProjectDatabase } from '../support/supabase/project-database';
import { describeWithPostgres } from './with-postgres';

const POISON = 'a text that a trigger refuses';
const TRIGGER = `
  create function refuse() returns trigger language plpgsql as $$ begin
    if new.prompt = '${POISON}' then raise exception 'not this one'; end if; return new;
  end $$;
  create trigger refuse before insert on generations for each row execute function refuse()`;

const PUBLISHED = { consumers: ['supabase'] };

describeWithPostgres('the publication of ended jobs', () => {
  let database: Database;
  let project: ProjectDatabase;
  let standIn: PostgrestStandIn;
  let shutdownState: ShutdownState;
  const logs: string[] = [];

  beforeEach(async () => {
    database = await openDatabase();
    project = await ProjectDatabase.make();
    await project.setUp();
    standIn = await PostgrestStandIn.start(project.url);
    shutdownState = new ShutdownState();
    logs.length = 0;
    for (const level of ['log', 'warn', 'error'] as const)
      jest
        .spyOn(Logger.prototype, level)
        .mockImplementation((...args: unknown[]) => void logs.push(`${level} ${args.join(' ')}`));
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    shutdownState.end();
    await setTimeout(20);
    await standIn.close();
    await project.remove();
    await database.close();
  });

  async function start(key = standIn.serviceKey): Promise<void> {
    const table = supabaseGenerationTable({ url: standIn.url, key, table: 'generations' });
    const links = new AssetLinks(localStorage({ directory: '/nowhere' }), 'https://comfy.example');
    const rows = new GenerationRows(new KyselyJobRepository(database, PUBLISHED), links);
    const outbox = new KyselyOutboxRepository(database);
    const timing = new Timing().outbox;
    const publisher = new RowPublisher(outbox, rows, table, timing);
    const tasks = new PeriodicTasks(shutdownState, { isLeader: true });
    const publication = new OutboxRelay([publisher], outbox, tasks, timing);
    await publication.onModuleInit();
    publication.onApplicationBootstrap();
  }

  async function ended(workflow: Workflow = graph(), end: (job: Job) => Job = succeeded): Promise<Job> {
    const store = new KyselyJobRepository(database, PUBLISHED);
    const job = waitingJob({ workflow });
    await store.add(entryOf(job, { workflow }));
    const running = started(job);
    await store.save(running, job.fencingToken);
    const last = end(running);
    await store.save(last, running.fencingToken);
    return last;
  }

  const waiting = async () =>
    (await database.kysely.selectFrom('outbox').selectAll().execute()).map(({ job_id, attempts, next_at }) => ({
      id: job_id,
      attempts,
      inMs: next_at - Date.now(),
    }));
  const poisoned = () => graph({ positive: encode(POISON) });
  const written = async () => (await project.rows()).map(({ job_id }) => String(job_id)).toSorted();

  it('writes each job to the table, once', async () => {
    const jobs: Job[] = [];
    for (let i = 0; i < 120; i++) jobs.push(await ended());
    await start();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await written()).toEqual(jobs.map(({ id }) => id).toSorted());
    expect(standIn.upserts.map(({ length }) => length)).toEqual([50, 50, 20]);
    expect(logs).toEqual([]);
  });

  it('writes a failed job again that succeeds later', async () => {
    const error = new ComfyUIError('storage_failed', 'The disk is full.');
    const job = await ended(graph(), (running) => changed(running, { kind: 'failed', error }));
    await start();
    await eventually(async () =>
      expect(await project.rows()).toMatchObject([{ status: 'failed', error_code: 'storage_failed' }]),
    );
    await eventually(async () => expect(await waiting()).toEqual([]));
    const after = changed(job, { kind: 'recovered', outputs: [], texts: [] });
    await new KyselyJobRepository(database, PUBLISHED).save(after, job.fencingToken);
    await eventually(async () =>
      expect(await project.rows()).toMatchObject([{ status: 'succeeded', error_code: null }]),
    );
  });

  it('waits while the table is unreachable, logs it once, and continues by itself', async () => {
    await start();
    await standIn.stop();
    const [one, two] = [await ended(), await ended()];
    await eventually(async () => expect(await waiting()).toMatchObject([{ attempts: 2 }, { attempts: 2 }]));
    await standIn.listen();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await written()).toEqual([one.id, two.id].toSorted());
    expect(standIn.upserts.flat()).toHaveLength(2);
    expect(logs).toEqual([
      expect.stringMatching(/^warn Entries for supabase wait in the outbox: .*cannot be reached \(ECONNREFUSED\)/),
      'log Outbox entries for supabase are delivered again',
    ]);
  });

  it('starts even if the table is unreachable', async () => {
    await standIn.stop();
    const { id } = await ended();
    await start();
    expect(logs).toEqual([expect.stringContaining('cannot be reached')]);
    await standIn.listen();
    await eventually(async () => expect(await written()).toEqual([id]));
    expect(logs.at(-1)).toBe('log Outbox entries for supabase are delivered again');
  });

  it('does not start with a wrong key, or without the table', async () => {
    await expect(start('sb_secret_of_another_project')).rejects.toThrow('check that it is a key of this project');
    await project.run('drop table generations');
    await expect(start()).rejects.toThrow('run docs/supabase.sql');
  });

  it('continues after a key was revoked and restored', async () => {
    await start();
    standIn.interfere = () => ({ status: 401, body: { message: 'Invalid API key' } });
    const { id } = await ended();
    await eventually(() => expect(logs).toEqual([expect.stringContaining('refused the key: check that it is a key')]));
    standIn.interfere = undefined;
    await eventually(async () => expect(await written()).toEqual([id]));
  });

  it('postpones only the refused rows and writes the others', async () => {
    await project.run(TRIGGER);
    const jobs: Job[] = [];
    for (let i = 0; i < 60; i++) jobs.push(await ended([7, 8, 31].includes(i) ? poisoned() : graph()));
    const since = Date.now();
    await start();
    const refused = [7, 8, 31].map((i) => jobs[i]!.id);
    await eventually(async () => expect(await written()).toHaveLength(57));
    await eventually(async () => expect(await waiting()).toHaveLength(3));
    expect((await waiting()).map(({ id }) => id).toSorted()).toEqual(refused.toSorted());
    for (const { attempts, inMs } of await waiting()) {
      expect(attempts).toBe(1);
      expect(inMs + Date.now() - since).toBeGreaterThanOrEqual(30_000);
      expect(inMs).toBeLessThanOrEqual(60_000);
    }
    expect(logs).toHaveLength(3);
    for (const id of refused)
      expect(logs.join('\n')).toMatch(
        new RegExp(`warn Job ${id} has no row yet, next attempt in 1 min: .*P0001 not this one`),
      );
    expect(standIn.upserts.flat()).toHaveLength(57);
  });

  it('retries a refused row, at least daily', async () => {
    await project.run(TRIGGER);
    const { id } = await ended(poisoned());
    await database.kysely.updateTable('outbox').set({ attempts: 40 }).execute();
    const since = Date.now();
    await start();
    await eventually(async () => expect(await waiting()).toMatchObject([{ attempts: 41 }]));
    const [{ inMs } = { inMs: 0 }] = await waiting();
    expect(inMs + Date.now() - since).toBeGreaterThanOrEqual(12 * 3_600_000);
    expect(inMs).toBeLessThanOrEqual(24 * 3_600_000);
    await project.run('drop trigger refuse on generations');
    await database.kysely.updateTable('outbox').set({ next_at: 0 }).execute();
    await eventually(async () => expect(await written()).toEqual([id]));
  });

  it('is not blocked by a row whose error looks like an outage', async () => {
    standIn.interfere = (body) => (body.includes(POISON) ? { status: 502, body: 'Bad gateway' } : undefined);
    await start();
    const bad = await ended(poisoned());
    const good = [await ended(), await ended()];
    await eventually(async () => expect(await written()).toEqual(good.map(({ id }) => id).toSorted()), 25_000);
    await eventually(async () => expect((await waiting())[0]?.inMs).toBeGreaterThan(60_000), 25_000);
    expect(await waiting()).toMatchObject([{ id: bad.id }]);
    const later = await ended();
    await eventually(async () => expect(await written()).toContain(later.id), 25_000);
  });

  it('drops the row of a job that is deleted meanwhile', async () => {
    await standIn.stop();
    const [gone, kept] = [await ended(), await ended()];
    await start();
    await new KyselyJobRepository(database, PUBLISHED).remove({ id: gone.id });
    await standIn.listen();
    await eventually(async () => expect(await written()).toEqual([kept.id]));
    expect(await waiting()).toEqual([]);
  });

  it('stops with the service, in the middle of a request', async () => {
    await start();
    let isAsked = false;
    standIn.interfere = () => {
      isAsked = true;
      return setTimeout(3_000, { status: 500, body: '' }, { ref: false });
    };
    await ended();
    await eventually(() => expect(isAsked).toBe(true));
    shutdownState.end();
    await setTimeout(50);
    expect(await waiting()).toMatchObject([{ attempts: 0 }]);
    expect(logs).toEqual([]);
  });

  it('never logs the key', async () => {
    const key = standIn.serviceKey;
    standIn.interfere = (_body, { headers }) => ({
      status: 500,
      body: { code: 'PGRST000', message: `${String(headers.apikey)} ${headers.authorization}` },
    });
    await start();
    await ended();
    await eventually(() => expect(logs).not.toEqual([]));
    standIn.interfere = (_body, { headers }) => ({
      status: 400,
      body: { code: 'P0001', message: `${String(headers.apikey)} ${headers.authorization}` },
    });
    await eventually(() => expect(logs.join()).toContain('has no row yet'));
    expect(logs.join()).not.toContain(key);
  });
});
