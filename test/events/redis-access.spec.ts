import { execFile } from 'node:child_process';
import { join } from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Logger } from '@nestjs/common';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { redisAddress } from '../../src/infrastructure/redis-address';
import { eventually } from '../support/eventually';
import { describeWithServer, RedisServer } from './redis-server';
import { hearing, later, latestOf, runningJob } from './snapshots';

const TLS = join(__dirname, '..', 'fixtures', 'tls');

const run = promisify(execFile);
const SECRET = 's3cret@:/%';
const QUOTED = encodeURIComponent(SECRET);

let logged: string[];

beforeEach(() => {
  logged = [];
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation((...[line]: unknown[]) => void logged.push(String(line)));
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(console, level).mockImplementation((...line: unknown[]) => void logged.push(line.join(' ')));
});

afterEach(() => jest.restoreAllMocks());

describeWithServer('A Redis', () => {
  let server: RedisServer;
  const opened: RedisEventBus[] = [];

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((news) => news.onApplicationShutdown()));
    await server.remove();
  });

  const open = async (credentials = '', database = '') => {
    const news = await RedisEventBus.open({ redisUrl: server.url.replace('//', `//${credentials}`) + database });
    opened.push(news);
    return news;
  };

  const expectNews = async (news: RedisEventBus) => {
    const job = runningJob();
    const { heard } = hearing(news, job);
    let by = 0;
    await eventually(() => {
      news.tell({ job: later(job, (by += 1)) });
      expect(heard.length).toBeGreaterThan(0);
    });
    await eventually(async () => expect(await latestOf(news, job)).toEqual({ job: later(job, by) }));
  };

  it('may have a password', async () => {
    server = await RedisServer.start(['--requirepass', SECRET]);
    await expectNews(await open(`:${QUOTED}@`));
    await expectNews(await open(`default:${QUOTED}@`, '/3'));
    expect(logged).toEqual([]);
  });

  it('that does not take the password is told of once, and without it', async () => {
    server = await RedisServer.start(['--requirepass', 'another']);
    const news = await open(`:${QUOTED}@`);
    expect(await latestOf(news, runningJob())).toBeUndefined();
    expect(logged).toEqual([expect.stringContaining('WRONGPASS')]);
    expect(logged[0]).not.toContain('s3cret');
  });

  it('may have users who may do nothing but this', async () => {
    const commands =
      '+hello +info +client|setname +select +ping +get +mget +set +del +pexpire +publish +subscribe +unsubscribe';
    const user = `ours on >${SECRET} resetchannels resetkeys ~comfyui:* &comfyui:* -@all ${commands}`;
    server = await RedisServer.start(['--user', ...user.split(' ')]);
    await expectNews(await open(`ours:${QUOTED}@`));
    expect(logged).toEqual([]);
  });

  it('that refuses our user says so once', async () => {
    const user = `ours on >${SECRET} resetchannels allkeys -@all +hello +info +client +ping +subscribe +mget`;
    server = await RedisServer.start(['--user', ...user.split(' ')]);
    const [news, job] = [await open(`ours:${QUOTED}@`), runningJob()];
    hearing(news, job);
    for (let by = 0; by < 5; by += 1) news.tell({ job: later(job, by) });
    expect(await latestOf(news, job)).toBeUndefined();
    expect(logged).toEqual([expect.stringMatching(/refuses news of jobs: NOPERM/)]);
    expect(logged[0]).not.toContain('s3cret');
  });

  it('may be too old for the new protocol', async () => {
    server = await RedisServer.start(['--rename-command', 'HELLO', '', '--requirepass', SECRET]);
    await expectNews(await open(`:${QUOTED}@`));
    expect(logged).toEqual([]);
  });

  it('may be far away, behind TLS, and must then be who it says', async () => {
    const [key, cert] = [join(TLS, 'localhost.key'), join(TLS, 'localhost.crt')];
    server = await RedisServer.start(['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']);
    const url = await server.alsoByTls();

    const connecting = jest.spyOn(tls, 'connect');
    const stranger = await RedisEventBus.open({ redisUrl: url });
    opened.push(stranger);
    expect(logged).toEqual([expect.stringContaining('self-signed certificate')]);
    // As an alert that comes with the last words of the handshake.
    for (const { value } of connecting.mock.results) (value as tls.TLSSocket).emit('error', new Error('late'));

    const hook = join(__dirname, '..', 'support', 'typescript.cjs');
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
    const args = ['-r', hook, join(__dirname, 'other-process.ts'), url];
    const { stdout } = await run(process.execPath, args, { env });
    const { id, revision } = JSON.parse(stdout.trim()) as { id: string; revision: number };
    expect((await (await open()).latest([id]))[0]?.job.revision).toBe(revision);
  });
});

it('names the package that is missing', async () => {
  jest.resetModules();
  jest.doMock('ioredis', () => {
    throw Object.assign(new Error("Cannot find module 'ioredis'"), { code: 'MODULE_NOT_FOUND' });
  });
  const path = '../../src/infrastructure/event-bus/redis/redis-event-bus';
  const { RedisEventBus: WithoutIoredis } = jest.requireActual<{ RedisEventBus: typeof RedisEventBus }>(path);
  await expect(WithoutIoredis.open({ redisUrl: 'redis://127.0.0.1' })).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringContaining('npm install ioredis'),
  });
});

describe('The address of a Redis', () => {
  it.each([
    ['redis://host', { host: 'host', port: 6379, db: 0 }, 'host:6379'],
    ['redis://host/', { host: 'host', port: 6379, db: 0 }, 'host:6379'],
    ['redis://:pass@host:1/12', { host: 'host', port: 1, db: 12, password: 'pass' }, 'host:1'],
    ['redis://me:p%40@[::1]:2', { host: '::1', port: 2, db: 0, username: 'me', password: 'p@' }, '[::1]:2'],
    ['rediss://host', { host: 'host', port: 6379, db: 0, tls: { servername: 'host' } }, 'host:6379'],
    ['rediss://10.0.0.1?x=y', { host: '10.0.0.1', port: 6379, db: 0, tls: {} }, '10.0.0.1:6379'],
  ])('%s is understood', (url, options, name) => {
    expect(redisAddress(url)).toEqual({ options, name, database: options.db });
  });

  it.each([
    's3cret',
    'http://:s3cret@host',
    'redis://:s3cret@host:99999',
    'redis://:s3cret%zz@host',
    'redis://:s3cret@host/name',
    'redis://:s3cret@host/1/2',
    'redis:///s3cret',
    'redis://',
  ])('%s is not, and not told', (url) => {
    let error: unknown;
    try {
      redisAddress(url);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('redis://') });
    expect(`${error instanceof Error ? error.stack : ''} ${JSON.stringify(error)}`).not.toContain('s3cret');
    expect((error as Error).cause).toBeUndefined();
  });
});
