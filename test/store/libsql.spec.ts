import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STORING_MS } from '../../src/application/assets/stored-files';
import { JobFiles } from '../../src/infrastructure/database/job-files';
import type { Transaction } from '../../src/infrastructure/database/statements';
import { collected } from '../support/collected';
import { waitingJob, WORKFLOW } from './jobs';
import { Opened } from './opened';
import { inFolder, inMemory } from './places';
import { type OtherProcess, startOtherProcess } from './processes';
import { describeStore } from './store.contract';
import { fileChanges } from './stored-files.contract';

describeStore('libsql in memory', inMemory, { lasts: false });
describeStore('libsql in a folder', inFolder, { lasts: true });

describe('stored files', () => {
  it('are not taken when an asset comes to have them just then, whatever the clocks say', async () => {
    const opened = await Opened.at({});
    const { kysely } = opened.database;
    const outcomes = new Set<string>();
    for (let turns = 0; turns < 80; turns += 1) {
      const job = await opened.add(waitingJob());
      const picture = collected({ filename: `${turns}.png` });
      const { sha256 } = picture;
      await kysely.insertInto('files').values({ sha256, stored_at: 0, removing_at: null }).execute();
      const looking = opened.files.takeUnused(Date.now() + 3 * STORING_MS, '');
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

  it('is made when it is not there, and nobody else can read it', async () => {
    const dataDirectory = join(folder.directory, 'deep', 'down');
    const { database } = await Opened.at({ dataDirectory });
    expect((await stat(dataDirectory)).mode & 0o777).toBe(0o700);
    const files = await readdir(dataDirectory);
    expect(files.toSorted()).toEqual(['jobs.db', 'jobs.db-wal']);
    for (const file of files) expect((await stat(join(dataDirectory, file))).mode & 0o777).toBe(0o600);
    await database.close();
    expect(await readdir(dataDirectory)).toEqual(['jobs.db']);
  });

  it('that can not be made is named', async () => {
    const dataDirectory = join(folder.directory, 'file', 'below');
    await writeFile(join(folder.directory, 'file'), '');
    await expect(Opened.at({ dataDirectory })).rejects.toMatchObject({
      code: 'storage_failed',
      message: `The job database can not be opened (ENOTDIR). The data folder is ${dataDirectory}.`,
    });
  });

  it('with a file that is no database is left as it is', async () => {
    await writeFile(join(folder.directory, 'jobs.db'), 'precious notes'.repeat(1000));
    const message = expect.stringContaining('is damaged');
    await expect(Opened.at(folder.options)).rejects.toMatchObject({ code: 'storage_failed', message });
    expect((await stat(join(folder.directory, 'jobs.db'))).size).toBe(14_000);
  });

  it('belongs to one process: a second one is refused, without standing still, and told why', async () => {
    await start('hold', folder.directory).told;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 10);
    const before = Date.now();
    await expect(Opened.at(folder.options)).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(`The data folder ${folder.directory} is in use by another process.`),
    });
    clearInterval(timer);
    expect(Date.now() - before).toBeGreaterThan(4_000);
    expect(turns).toBeGreaterThan(200);
  });

  it('is waited for while the process before ends', async () => {
    const other = start('hold', folder.directory);
    await other.told;
    setTimeout(() => other.child.kill('SIGTERM'), 1_000);
    const { database } = await Opened.at(folder.options);
    expect(other.child.killed).toBe(true);
    await database.close();
  });

  it('is free as soon as its process was killed', async () => {
    const other = start('hold', folder.directory);
    await other.told;
    other.child.kill('SIGKILL');
    await other.gone;
    const before = Date.now();
    const { database } = await Opened.at(folder.options);
    expect(Date.now() - before).toBeLessThan(1_000);
    await database.close();
  });

  it('is free for this process as soon as it was closed, though statements are left', async () => {
    for (let i = 0; i < 3; i += 1) {
      const opened = await Opened.at(folder.options);
      await opened.add(waitingJob());
      expect(await opened.backlog.handedTo('b')).toEqual([]);
      await opened.database.close();
    }
    const other = start('hold', folder.directory);
    expect(await other.told).toEqual({ opened: true });
  });

  it('holds a job from the moment it is said to be stored, whatever happens then', async () => {
    const { told, gone } = start('add', folder.directory);
    const { added } = await told;
    expect(await gone).toEqual([null, 'SIGKILL']);
    const opened = await Opened.at(folder.options);
    expect(await opened.store.find(String(added))).toMatchObject({ id: added, status: 'queued' });
    expect(await opened.store.workflow(String(added))).toEqual(WORKFLOW);
    await opened.database.close();
  });

  it('on a full disk refuses jobs, whole, and keeps what it has', async () => {
    const { told, gone } = start('fill', folder.directory, 4_000);
    const { added, refused, isReadable } = (await told) as { added: string[]; refused: object[]; isReadable: boolean };
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
