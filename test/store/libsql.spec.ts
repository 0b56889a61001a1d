import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import Libsql from 'libsql';
import { STORING_MS } from '../../src/application/assets/asset-repository';
import { JobFiles } from '../../src/infrastructure/database/job-files';
import type { Transaction } from '../../src/infrastructure/database/statements';
import { collected } from '../support/collected';
import { fileChanges } from './asset-files.contract';
import { waitingJob, WORKFLOW } from './jobs';
import { Opened } from './opened';
import { inFolder, inMemory } from './places';
import { type OtherProcess, startOtherProcess } from './processes';
import { describeStore } from './store.contract';

describeStore('libsql in a folder', () => inFolder);

describe('libsql in memory', () => {
  it('stores, finds, claims and lists jobs, and forgets them when it is closed', async () => {
    const { options } = await inMemory();
    const opened = await Opened.at(options);
    const job = await opened.add(waitingJob());
    expect(await opened.jobs.find(job.id, { withWorkflow: true })).toEqual({ job, ahead: 0, workflow: WORKFLOW });
    expect(await opened.drain()).toEqual([job.id]);
    expect((await opened.jobs.list({ limit: 5 })).jobs).toMatchObject([{ job: { id: job.id }, ahead: undefined }]);
    await opened.database.close();
    const again = await Opened.at(options);
    expect(await again.find(job.id)).toBeUndefined();
    await again.database.close();
  });

  it('keeps the leases of its process', async () => {
    const { database, leases } = await Opened.at({});
    const terms = { atMost: 9, ttlMs: 1 };
    expect(await leases.acquire('us', ['a', 'b'], terms)).toEqual([
      { backend: 'a', epoch: 1 },
      { backend: 'b', epoch: 1 },
    ]);
    await leases.acquire('us', ['a'], terms);
    await leases.release('us', ['b']);
    expect(await leases.renew('us', 1)).toEqual({ leases: [{ backend: 'a', epoch: 1 }], holders: 1 });
    await leases.release('us');
    expect(await leases.renew('us', 1)).toEqual({ leases: [], holders: 1 });
    await database.close();
  });
});

describe('stored files', () => {
  it('are not taken while a transaction adds their asset, whatever the clocks', async () => {
    const opened = await Opened.at({});
    const { kysely } = opened.database;
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 80; turns += 1) {
      const job = await opened.add(waitingJob());
      const picture = collected({ filename: `${turns}.png` });
      const { sha256 } = picture;
      await kysely.insertInto('files').values({ sha256, stored_at: 0, removing_at: null }).execute();
      const looking = opened.assets.takeUnusedFiles(Date.now() + 3 * STORING_MS, '');
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      const isClaimed = await kysely.transaction().execute(async (transaction) => {
        const query = transaction.selectFrom('files').select('removing_at').where('sha256', '=', sha256);
        if ((await query.executeTakeFirstOrThrow()).removing_at !== null) return false;
        const sent: Promise<unknown>[] = [];
        const run: Transaction['run'] = (statement) => transaction.executeQuery(statement);
        const send: Transaction['send'] = (statement) => void sent.push(run(statement));
        new JobFiles().send({ kysely: transaction, run, send }, job, fileChanges([picture]));
        await Promise.all(sent);
        return true;
      });
      const isTaken = (await looking).unused.includes(sha256);
      outcomes.add(`claimed: ${isClaimed}, taken: ${isTaken}`);
    }
    expect([...outcomes].toSorted()).toEqual(['claimed: false, taken: true', 'claimed: true, taken: false']);
    await opened.database.close();
  });
});

describe('a data folder', () => {
  let folder: Awaited<ReturnType<typeof inFolder>>;
  const others: OtherProcess[] = [];

  beforeEach(async () => {
    folder = await inFolder();
  });

  afterEach(async () => {
    for (const other of others.splice(0)) {
      other.child.kill('SIGKILL');
      await other.gone;
    }
    await folder.remove();
  });

  function start(...args: Parameters<typeof startOtherProcess>): OtherProcess {
    const other = startOtherProcess(...args);
    others.push(other);
    return other;
  }

  it('is created if missing, readable for its owner only', async () => {
    const dataDirectory = join(folder.directory, 'deep', 'down');
    const { database } = await Opened.at({ dataDirectory });
    expect((await stat(dataDirectory)).mode & 0o777).toBe(0o700);
    const files = await readdir(dataDirectory);
    expect(files.toSorted()).toEqual(['jobs.db', 'jobs.db-wal']);
    for (const file of files) expect((await stat(join(dataDirectory, file))).mode & 0o777).toBe(0o600);
    await database.close();
    expect(await readdir(dataDirectory)).toEqual(['jobs.db']);
  });

  it('is written through to the disk with every commit', async () => {
    const { database } = await Opened.at(folder.options);
    const pragma = async (name: string) =>
      Object.values((await sql<object>`pragma ${sql.raw(name)}`.execute(database.kysely)).rows[0] ?? {});
    expect([await pragma('journal_mode'), await pragma('synchronous')]).toEqual([['wal'], [2]]);
    await database.close();
  });

  it('that cannot be created is named', async () => {
    const dataDirectory = join(folder.directory, 'file', 'below');
    await writeFile(join(folder.directory, 'file'), '');
    await expect(Opened.at({ dataDirectory })).rejects.toMatchObject({
      code: 'storage_failed',
      message: `The job database cannot be opened (ENOTDIR). The data folder is ${dataDirectory}.`,
    });
  });

  it('with a file that is not a database is left as it is', async () => {
    await writeFile(join(folder.directory, 'jobs.db'), 'precious notes'.repeat(1000));
    const message = expect.stringContaining('is damaged');
    await expect(Opened.at(folder.options)).rejects.toMatchObject({ code: 'storage_failed', message });
    expect((await stat(join(folder.directory, 'jobs.db'))).size).toBe(14_000);
  });

  it('belongs to one process: a second one is refused with the reason, and its event loop keeps running', async () => {
    await start('hold', folder.directory).report;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 10);
    await expect(Opened.at(folder.options)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(`The data folder ${folder.directory} is in use by another process.`),
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });

  it('is waited for while the process before shuts down', async () => {
    const other = start('hold', folder.directory);
    await other.report;
    setTimeout(() => other.child.kill('SIGTERM'), 1_000);
    const { database } = await Opened.at(folder.options);
    expect(other.child.killed).toBe(true);
    await database.close();
  });

  it('is free as soon as its process is killed', async () => {
    const other = start('hold', folder.directory);
    await other.report;
    other.child.kill('SIGKILL');
    await other.gone;
    // Without the retries of `Opened.at`.
    const database = new Libsql(join(folder.directory, 'jobs.db'));
    expect(() => database.exec('BEGIN EXCLUSIVE; COMMIT')).not.toThrow();
    database.close();
  });

  it('is free as soon as it is closed, although statements remain', async () => {
    for (let i = 0; i < 3; i += 1) {
      const opened = await Opened.at(folder.options);
      await opened.add(waitingJob());
      expect(await opened.jobs.open({ kind: 'assigned', backends: ['b'] })).toEqual([]);
      await opened.database.close();
    }
    const other = start('hold', folder.directory);
    expect(await other.report).toEqual({ opened: true });
  });

  it('holds a job as soon as `add` resolves, also when the process is killed then', async () => {
    const { report, gone } = start('add', folder.directory);
    const { added } = await report;
    expect(await gone).toEqual([null, 'SIGKILL']);
    const opened = await Opened.at(folder.options);
    expect(await opened.find(String(added))).toMatchObject({ id: added, status: 'queued' });
    expect(await opened.workflow(String(added))).toEqual(WORKFLOW);
    await opened.database.close();
  });

  it('on a full disk refuses jobs, whole, and keeps its content', async () => {
    const { report, gone } = start('fill', folder.directory, 4_000);
    const { added, refused, isReadable } = (await report) as {
      added: string[];
      refused: object[];
      isReadable: boolean;
    };
    await gone;
    expect(isReadable).toBe(true);
    expect(added.length).toBeGreaterThan(10);
    const message = expect.stringMatching(/^The job database .* disk.*\(SQLITE_(FULL|IOERR_WRITE|IOERR)\)\.$/);
    for (const each of refused) expect(each).toMatchObject({ code: 'storage_failed', message });

    const opened = await Opened.at(folder.options);
    const { kysely } = opened.database;
    const jobs = await kysely.selectFrom('jobs').select('id').execute();
    const workflows = await kysely.selectFrom('workflows').select('job_id').execute();
    expect(jobs.map(({ id }) => id).toSorted()).toEqual(added.toSorted());
    expect(workflows.map(({ job_id }) => job_id).toSorted()).toEqual(added.toSorted());
    await opened.add(waitingJob());
    await opened.database.close();
  });
});
