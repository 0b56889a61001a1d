import { setTimeout } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { AssetLinks } from '../../src/application/assets/asset-links';
import { ProcessRole } from '../../src/application/execution/process-role';
import { ShutdownState } from '../../src/application/maintenance/shutdown-state';
import { OutboxRelay } from '../../src/application/outbox/outbox-relay';
import { PublishedRows } from '../../src/application/outbox/published-rows';
import { RowPublisher } from '../../src/application/outbox/row-publisher';
import { ComfyUIError } from '../../src/domain/errors';
import type { Job } from '../../src/domain/job/job';
import type { Workflow } from '../../src/domain/workflow/workflow';
import type { Database } from '../../src/infrastructure/database/database';
import { KyselyJobRepository } from '../../src/infrastructure/database/kysely-job-repository';
import { KyselyOutbox } from '../../src/infrastructure/database/kysely-outbox';
import { openDatabase } from '../../src/infrastructure/database/open-database';
import { supabaseGenerationTable } from '../../src/infrastructure/supabase-table/supabase-table';
import { localStorage } from '../../src/infrastructure/storage/local/local-storage';
import { changed, entryOf, started, succeeded, waitingJob } from '../store/jobs';
import { eventually } from '../support/eventually';
import { encode, graph } from '../support/graphs';
import { PostgrestStandIn } from '../support/supabase/postgrest-stand-in';
import { ProjectDatabase } from '../support/supabase/project-database';
import { describeWithPostgres } from './with-postgres';

const POISON = 'a text that a trigger does not like';
const TRIGGER = `
  create function refuse() returns trigger language plpgsql as $$ begin
    if new.prompt = '${POISON}' then raise exception 'not this one'; end if; return new;
  end $$;
  create trigger refuse before insert on generations for each row execute function refuse()`;

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
        .mockImplementation((...told: unknown[]) => void logs.push(`${level} ${told.join(' ')}`));
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
    const rows = new PublishedRows(new KyselyJobRepository(database), links);
    const sender = new RowPublisher(new KyselyOutbox(database), rows, table, shutdownState);
    const publication = new OutboxRelay(sender, table, links, new ProcessRole('all', true), shutdownState);
    await publication.onModuleInit();
    publication.onApplicationBootstrap();
  }

  async function ended(workflow: Workflow = graph(), end: (job: Job) => Job = succeeded): Promise<Job> {
    const store = new KyselyJobRepository(database, true);
    const job = waitingJob({ workflow });
    await store.add(entryOf(job, { workflow }));
    const running = started(job);
    await store.save(running, job.fencingToken);
    const last = end(running);
    await store.save(last, running.fencingToken);
    return last;
  }

  const waiting = async () =>
    (await database.kysely.selectFrom('outbox').selectAll().execute()).map(({ job_id, tries, next_at }) => ({
      id: job_id,
      tries,
      inMs: next_at - Date.now(),
    }));
  const poisoned = () => graph({ positive: encode(POISON) });
  const written = async () => (await project.rows()).map(({ job_id }) => String(job_id)).toSorted();

  it('brings each into the table, once', async () => {
    const jobs: Job[] = [];
    for (let i = 0; i < 120; i++) jobs.push(await ended());
    await start();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await written()).toEqual(jobs.map(({ id }) => id).toSorted());
    expect(standIn.upserts.map(({ length }) => length)).toEqual([50, 50, 20]);
    expect(logs).toEqual([]);
  });

  it('brings one again that succeeds after all', async () => {
    const error = new ComfyUIError('storage_failed', 'The disk is full.');
    const job = await ended(graph(), (running) => changed(running, { kind: 'failed', error }));
    await start();
    await eventually(async () =>
      expect(await project.rows()).toMatchObject([{ status: 'failed', error_code: 'storage_failed' }]),
    );
    await eventually(async () => expect(await waiting()).toEqual([]));
    const after = changed(job, { kind: 'recovered', outputs: [], texts: [] });
    await new KyselyJobRepository(database, true).save(after, job.fencingToken);
    await eventually(async () =>
      expect(await project.rows()).toMatchObject([{ status: 'succeeded', error_code: null }]),
    );
  });

  it('waits while the table is out of reach, tells it once, and goes on by itself', async () => {
    await start();
    await standIn.stop();
    const [one, two] = [await ended(), await ended()];
    await eventually(async () => expect(await waiting()).toMatchObject([{ tries: 2 }, { tries: 2 }]));
    await standIn.listen();
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await written()).toEqual([one.id, two.id].toSorted());
    expect(standIn.upserts.flat()).toHaveLength(2);
    expect(logs).toEqual([
      expect.stringMatching(/^warn Rows of ended jobs wait in the outbox: .*can not be reached \(ECONNREFUSED\)/),
      'log Rows of ended jobs go out again',
    ]);
  });

  it('begins though the table is out of reach', async () => {
    await standIn.stop();
    const { id } = await ended();
    await start();
    expect(logs).toEqual([expect.stringContaining('can not be reached')]);
    await standIn.listen();
    await eventually(async () => expect(await written()).toEqual([id]));
    expect(logs.at(-1)).toBe('log Rows of ended jobs go out again');
  });

  it('does not begin with a key that is wrong, or without the table', async () => {
    await expect(start('sb_secret_of_another_project')).rejects.toThrow(
      'check that SUPABASE_KEY is a key of the project',
    );
    await project.run('drop table generations');
    await expect(start()).rejects.toThrow('run docs/supabase.sql');
  });

  it('goes on after a key was taken back and given again', async () => {
    await start();
    standIn.interfere = () => ({ status: 401, body: { message: 'Invalid API key' } });
    const { id } = await ended();
    await eventually(() => expect(logs).toEqual([expect.stringContaining('refused our key: check that SUPABASE_KEY')]));
    standIn.interfere = undefined;
    await eventually(async () => expect(await written()).toEqual([id]));
  });

  it('finds the rows that are refused for themselves, puts them off and sends the others', async () => {
    await project.run(TRIGGER);
    const jobs: Job[] = [];
    for (let i = 0; i < 60; i++) jobs.push(await ended([7, 8, 31].includes(i) ? poisoned() : graph()));
    await start();
    const refused = [7, 8, 31].map((i) => jobs[i]!.id);
    await eventually(async () => expect(await written()).toHaveLength(57));
    await eventually(async () => expect(await waiting()).toHaveLength(3));
    expect((await waiting()).map(({ id }) => id).toSorted()).toEqual(refused.toSorted());
    for (const { tries, inMs } of await waiting()) {
      expect(tries).toBe(1);
      expect(inMs).toBeGreaterThan(40_000);
      expect(inMs).toBeLessThan(61_000);
    }
    expect(logs).toHaveLength(3);
    for (const id of refused)
      expect(logs.join('\n')).toMatch(
        new RegExp(`warn Job ${id} has no row yet, next try in 1 min: .*P0001 not this one`),
      );
    expect(standIn.upserts.flat()).toHaveLength(57);
  });

  it('tries a row that is refused again and again, at least daily', async () => {
    await project.run(TRIGGER);
    const { id } = await ended(poisoned());
    await database.kysely.updateTable('outbox').set({ tries: 40 }).execute();
    await start();
    await eventually(async () => expect(await waiting()).toMatchObject([{ tries: 41 }]));
    const [{ inMs } = { inMs: 0 }] = await waiting();
    expect(inMs).toBeGreaterThan(17 * 3_600_000);
    expect(inMs).toBeLessThan(24 * 3_600_000);
    await project.run('drop trigger refuse on generations');
    await database.kysely.updateTable('outbox').set({ next_at: 0 }).execute();
    await eventually(async () => expect(await written()).toEqual([id]));
  });

  it('is not held up by a row that looks like an outage', async () => {
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

  it('forgets a job that is deleted meanwhile', async () => {
    await standIn.stop();
    const [gone, kept] = [await ended(), await ended()];
    await start();
    await new KyselyJobRepository(database).remove(gone.id);
    await standIn.listen();
    await eventually(async () => expect(await written()).toEqual([kept.id]));
    expect(await waiting()).toEqual([]);
  });

  it('ends with the service, in the middle of a request', async () => {
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
    expect(await waiting()).toMatchObject([{ tries: 0 }]);
    expect(logs).toEqual([]);
  });

  it('tells no key to the log, whatever happens', async () => {
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
