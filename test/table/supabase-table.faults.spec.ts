import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { DeliveryError } from '../../src/application/outbox/outbox-consumer';
import type { SupabaseTableOptions } from '../../src/options/supabase.options';
import type { GenerationRow } from '../../src/domain/generation-row';
import { eventually } from '../support/eventually';
import { freshProject } from './fresh-project';
import { rowOf } from './rows';
import { describeWithPostgres } from './with-postgres';

const NEVER = new AbortController().signal;
const SECRET = 'eyJ.a-secret-that-must-not-leak.x';

describeWithPostgres('a Supabase table that fails', () => {
  const project = freshProject();
  const database = () => project.current.database;
  const standIn = () => project.current.standIn;
  const failureOf = (act: Promise<void>) => act.then(() => undefined).catch((thrown: DeliveryError) => thrown);
  const written = (...rows: GenerationRow[]) => failureOf(project.current.tableOf().upsert(rows, NEVER));
  const checked = (change: Partial<SupabaseTableOptions> = {}) =>
    failureOf(project.current.tableOf(change).check(NEVER));

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
      ['a wrong key', '', SECRET, 'check that it is a key of this project (401 Invalid API key).'],
      [
        'no table',
        'drop table generations',
        undefined,
        'does not exist: run docs/supabase.sql in the SQL editor of the project, or check the name of the table',
      ],
      [
        'a column that is missing',
        'alter table generations drop column workflow_hash',
        undefined,
        "lacks a column of docs/supabase.sql (400 PGRST204 Could not find the 'workflow_hash' column",
      ],
      [
        'no primary key',
        'alter table generations drop constraint generations_pkey',
        undefined,
        'must have job_id as its primary key',
      ],
      [
        'a column that is too small',
        'alter table generations alter seed type bigint',
        undefined,
        'refuses a row that matches docs/supabase.sql (400 22003',
      ],
      [
        'an additional required column',
        'alter table generations add tenant text not null',
        undefined,
        'refuses a row that matches docs/supabase.sql (400 23502',
      ],
      [
        'no rights',
        'revoke all on generations from service_role',
        undefined,
        'grants the key too few privileges: use the secret (service_role) key',
      ],
      [
        'a missing privilege to update',
        'revoke update on generations from service_role',
        undefined,
        'grants the key too few privileges',
      ],
    ])('detects %s', async (_what, sql, key, message) => {
      if (sql) await database().run(sql);
      expect(await checked(key === undefined ? {} : { key })).toMatchObject({
        code: 'storage_failed',
        failure: expect.stringMatching(/setup|entry/),
        message: expect.stringContaining(message),
      });
    });

    it('detects row-level security', async () => {
      const key = standIn().anonKey;
      expect(await checked({ key })).toMatchObject({
        failure: 'setup',
        message: expect.stringContaining(
          'refuses rows of this key (row-level security): use the secret (service_role) key',
        ),
      });
      await database().run(`create policy p on generations to anon using (true) with check (true)`);
      expect(await checked({ key })).toBeUndefined();
    });

    it('detects another server', async () => {
      const responses: [number, OutgoingHttpHeaders, string][] = [
        [200, {}, '<!doctype html><title>Welcome</title>'],
        [200, {}, '{"hello":"world"}'],
        [200, {}, ''],
        [404, {}, ''],
        [404, {}, '[]'],
        [404, {}, '<!doctype html>'],
        [302, { location: standIn().url }, ''],
      ];
      for (const [status, head, body] of responses)
        await answering(
          (_request, response) => response.writeHead(status, head).end(body),
          async (url) =>
            expect(await checked({ url })).toMatchObject({
              failure: 'setup',
              message: expect.stringContaining('does not answer like PostgREST: check the URL of the project'),
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
      [400, { code: 'P0001', message: 'a trigger says no' }, 'entry'],
      [500, { code: 'XX000', message: 'a trigger fails' }, 'entry'],
      [413, 'too large', 'entry'],
      [403, '<html>blocked by the firewall</html>', 'entry'],
      [401, { message: 'Invalid API key' }, 'setup'],
    ])('%d %j has the right blame', async (status, body, failure) => {
      standIn().interfere = () => ({ status, body });
      expect(await written(rowOf())).toMatchObject({
        code: 'storage_failed',
        failure,
      });
    });

    it('of the connection is an outage', async () => {
      await standIn().stop();
      const refused = {
        failure: 'outage',
        message: expect.stringContaining('cannot be reached (ECONNREFUSED): check the URL of the project.'),
      };
      expect(await written(rowOf())).toMatchObject(refused);
      await answering(
        (request) => void request.socket.destroy(),
        async (url) => expect(await checked({ url })).toMatchObject({ failure: 'outage' }),
      );
      await answering(
        (_request, response) =>
          void response.writeHead(200, { 'content-length': 100 }).write('[', () => response.destroy()),
        async (url) => expect(await checked({ url })).toMatchObject({ failure: 'outage' }),
      );
    });

    it('to respond at all is an outage', async () => {
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
      expect(await call).toMatchObject({ failure: 'outage', message: expect.stringContaining('(ESILENT)') });
    });

    it('never contains the key', async () => {
      const key = standIn().serviceKey;
      standIn().interfere = (_body, { headers }) => ({
        status: 400,
        body: { message: `what is ${headers.authorization}?` },
      });
      const error = (await written(rowOf())) as DeliveryError;
      for (const each of [
        error,
        await checked({ key: SECRET, url: 'http://127.0.0.1:1' }),
        await checked({ key: SECRET }),
      ]) {
        const { cause } = each as DeliveryError;
        const all = `${each?.stack} ${JSON.stringify(each)} ${JSON.stringify(cause)} ${String(cause)} ${(cause as Error | undefined)?.stack}`;
        expect(all).not.toContain(SECRET);
        expect(all).not.toContain(key);
      }
    });

    it('of one row writes none of the others', async () => {
      await written(rowOf({ id: randomUUID() }), { ...rowOf(), status: 'running' });
      expect(await database().rows()).toEqual([]);
    });
  });

  it('is not awaited after an abort', async () => {
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
