import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { TableError } from '../../src/application/outbox/generation-table';
import type { SupabaseTableOptions } from '../../src/options/storage.options';
import type { GenerationRow } from '../../src/domain/generation-row';
import { eventually } from '../support/eventually';
import { freshProject } from './fresh-project';
import { rowOf } from './rows';
import { describeWithPostgres } from './with-postgres';

const NEVER = new AbortController().signal;
const SECRET = 'eyJ.a-secret-that-nobody-should-read.x';

describeWithPostgres('a Supabase table that fails', () => {
  const project = freshProject();
  const database = () => project.current.database;
  const standIn = () => project.current.standIn;
  const fault = (act: Promise<void>) => act.then(() => undefined).catch((thrown: TableError) => thrown);
  const written = (...rows: GenerationRow[]) => fault(project.current.tableOf().upsert(rows, NEVER));
  const checked = (change: Partial<SupabaseTableOptions> = {}) => fault(project.current.tableOf(change).check(NEVER));

  describe('the check', () => {
    it('leaves nothing behind', async () => {
      expect(await checked()).toBeUndefined();
      expect(await checked({ key: standIn().secretKey })).toBeUndefined();
      expect(await database().rows()).toEqual([]);
      await database().run('alter table generations drop constraint generations_status');
      expect(await checked()).toBeUndefined();
      expect(await database().rows()).toEqual([]);
    });

    it.each([
      [
        'a wrong key',
        '',
        SECRET,
        'check that SUPABASE_KEY is a key of the project of SUPABASE_URL (401 Invalid API key).',
      ],
      [
        'no table',
        'drop table generations',
        undefined,
        'is not there: run docs/supabase.sql in the SQL editor of the project, or check SUPABASE_TABLE',
      ],
      [
        'a column that is missing',
        'alter table generations drop column workflow_hash',
        undefined,
        "lacks a column that docs/supabase.sql makes (400 PGRST204 Could not find the 'workflow_hash' column",
      ],
      [
        'no primary key',
        'alter table generations drop constraint generations_pkey',
        undefined,
        'must have job_id for its primary key',
      ],
      [
        'a column that is too small',
        'alter table generations alter seed type bigint',
        undefined,
        'refuses a row that is as docs/supabase.sql wants it (400 22003',
      ],
      [
        'a column of its own that must be set',
        'alter table generations add tenant text not null',
        undefined,
        'refuses a row that is as docs/supabase.sql wants it (400 23502',
      ],
      [
        'no rights',
        'revoke all on generations from service_role',
        undefined,
        'gives our key too few rights: use the secret (service_role) key',
      ],
      [
        'no right to update',
        'revoke update on generations from service_role',
        undefined,
        'gives our key too few rights',
      ],
    ])('finds out about %s', async (_what, sql, key, message) => {
      if (sql) await database().run(sql);
      expect(await checked(key === undefined ? {} : { key })).toMatchObject({
        code: 'storage_failed',
        blame: expect.stringMatching(/setup|rows/),
        message: expect.stringContaining(message),
      });
    });

    it('finds out about row-level security', async () => {
      const key = standIn().anonKey;
      expect(await checked({ key })).toMatchObject({
        blame: 'setup',
        message: expect.stringContaining(
          'lets our key write no rows (row-level security): use the secret (service_role) key',
        ),
      });
      await database().run(`create policy p on generations to anon using (true) with check (true)`);
      expect(await checked({ key })).toBeUndefined();
    });

    it('finds out that another server answers', async () => {
      const answers: [number, OutgoingHttpHeaders, string][] = [
        [200, {}, '<!doctype html><title>Welcome</title>'],
        [200, {}, '{"hello":"world"}'],
        [200, {}, ''],
        [404, {}, ''],
        [404, {}, '[]'],
        [404, {}, '<!doctype html>'],
        [302, { location: standIn().url }, ''],
      ];
      for (const [status, head, body] of answers)
        await answering(
          (_request, response) => response.writeHead(status, head).end(body),
          async (url) =>
            expect(await checked({ url })).toMatchObject({
              blame: 'setup',
              message: expect.stringContaining('is not what answers there: check SUPABASE_URL'),
            }),
        );
    });
  });

  describe('a failure', () => {
    it.each([
      [503, { code: 'PGRST000', message: 'Database connection error.' }, 'outage'],
      [500, { code: '57014', message: 'canceling statement due to statement timeout' }, 'outage'],
      [540, '', 'outage'],
      [502, '<html>Bad gateway</html>', 'outage'],
      [429, 'Too many requests', 'outage'],
      [400, { code: 'P0001', message: 'a trigger says no' }, 'rows'],
      [500, { code: 'XX000', message: 'a trigger fails' }, 'rows'],
      [413, 'too large', 'rows'],
      [403, '<html>blocked by the firewall</html>', 'rows'],
      [401, { message: 'Invalid API key' }, 'setup'],
    ])('%d %j is blamed right', async (status, body, blame) => {
      standIn().interfere = () => ({ status, body });
      expect(await written(rowOf())).toMatchObject({
        code: 'storage_failed',
        blame,
      });
    });

    it('of the connection is an outage', async () => {
      await standIn().stop();
      const refused = {
        blame: 'outage',
        message: expect.stringContaining('can not be reached (ECONNREFUSED): check SUPABASE_URL.'),
      };
      expect(await written(rowOf())).toMatchObject(refused);
      await answering(
        (request) => void request.socket.destroy(),
        async (url) => expect(await checked({ url })).toMatchObject({ blame: 'outage' }),
      );
      await answering(
        (_request, response) =>
          void response.writeHead(200, { 'content-length': 100 }).write('[', () => response.destroy()),
        async (url) => expect(await checked({ url })).toMatchObject({ blame: 'outage' }),
      );
    });

    it('to answer at all is an outage', async () => {
      let isAsked = false;
      standIn().interfere = () => {
        isAsked = true;
        return setTimeout(60_000, { status: 500, body: '' }, { ref: false });
      };
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setInterval', 'Date'] });
      const call = written(rowOf());
      await eventually(() => expect(isAsked).toBe(true));
      jest.advanceTimersByTime(15_000);
      jest.useRealTimers();
      expect(await call).toMatchObject({ blame: 'outage', message: expect.stringContaining('(ESILENT)') });
    });

    it('never tells the key', async () => {
      const key = standIn().serviceKey;
      standIn().interfere = (_body, { headers }) => ({
        status: 400,
        body: { message: `what is ${headers.authorization}?` },
      });
      const error = (await written(rowOf())) as TableError;
      for (const each of [
        error,
        await checked({ key: SECRET, url: 'http://127.0.0.1:1' }),
        await checked({ key: SECRET }),
      ]) {
        const { cause } = each as TableError;
        const all = `${each?.stack} ${JSON.stringify(each)} ${JSON.stringify(cause)} ${String(cause)} ${(cause as Error | undefined)?.stack}`;
        expect(all).not.toContain(SECRET);
        expect(all).not.toContain(key);
      }
    });

    it('of one row leaves nothing of the others', async () => {
      await written(rowOf({ id: randomUUID() }), { ...rowOf(), status: 'running' });
      expect(await database().rows()).toEqual([]);
    });
  });

  it('is not waited for after the signal', async () => {
    standIn().interfere = () => setTimeout(5_000, { status: 500, body: '' }, { ref: false });
    const controller = new AbortController();
    const call = project.current.tableOf().upsert([rowOf()], controller.signal);
    await setTimeout(50);
    controller.abort(new Error('over'));
    await expect(call).rejects.toThrow('over');
    await expect(project.current.tableOf().upsert([rowOf()], controller.signal)).rejects.toThrow('over');
  });

  async function answering(listener: RequestListener, act: (url: string) => Promise<void>): Promise<void> {
    const server = createServer(listener);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  }
});
