import { join } from 'node:path';
import tls from 'node:tls';
import { Logger } from '@nestjs/common';
import { RedisEventBus } from '../../src/infrastructure/event-bus/redis/redis-event-bus';
import { redisAddress } from '../../src/infrastructure/event-bus/redis/redis-address';
import { eventually } from '../support/eventually';
import { describeWithServer, RedisServer } from '../support/redis-server';
import { runOtherProcess } from './processes';
import { later, latestOf, receiving, runningJob } from './snapshots';

const TLS = join(__dirname, '..', 'fixtures', 'tls');

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
    await Promise.all(opened.splice(0).map((bus) => bus.onApplicationShutdown()));
    await server.remove();
  });

  const open = async (credentials = '', database = '') => {
    const bus = await RedisEventBus.open({ redisUrl: server.url.replace('//', `//${credentials}`) + database });
    opened.push(bus);
    return bus;
  };

  const expectEvents = async (bus: RedisEventBus) => {
    const job = runningJob();
    const { snapshots } = receiving(bus, job);
    let by = 0;
    await eventually(() => {
      bus.publish({ job: later(job, (by += 1)) });
      expect(snapshots.length).toBeGreaterThan(0);
    });
    await eventually(async () => expect(await latestOf(bus, job)).toEqual({ job: later(job, by) }));
  };

  it('may have a password', async () => {
    server = await RedisServer.start(['--requirepass', SECRET]);
    await expectEvents(await open(`:${QUOTED}@`));
    await expectEvents(await open(`default:${QUOTED}@`, '/3'));
    expect(logged).toEqual([]);
  });

  it('that refuses the password is logged once, without the password', async () => {
    server = await RedisServer.start(['--requirepass', 'another']);
    const bus = await open(`:${QUOTED}@`);
    expect(await latestOf(bus, runningJob())).toBeUndefined();
    expect(logged).toEqual([expect.stringContaining('WRONGPASS')]);
    expect(logged[0]).not.toContain('s3cret');
  });

  it('may permit only the commands that the bus needs', async () => {
    const commands =
      '+hello +info +client|setname +select +ping +get +mget +set +del +pexpire +publish +subscribe +unsubscribe';
    const user = `ours on >${SECRET} resetchannels resetkeys ~comfyui:* &comfyui:* -@all ${commands}`;
    server = await RedisServer.start(['--user', ...user.split(' ')]);
    await expectEvents(await open(`ours:${QUOTED}@`));
    expect(logged).toEqual([]);
  });

  it('that refuses a command is logged once', async () => {
    const user = `ours on >${SECRET} resetchannels allkeys -@all +hello +info +client +ping +subscribe +mget`;
    server = await RedisServer.start(['--user', ...user.split(' ')]);
    const [bus, job] = [await open(`ours:${QUOTED}@`), runningJob()];
    receiving(bus, job);
    for (let by = 0; by < 5; by += 1) bus.publish({ job: later(job, by) });
    expect(await latestOf(bus, job)).toBeUndefined();
    expect(logged).toEqual([expect.stringMatching(/refuses job events: NOPERM/)]);
    expect(logged[0]).not.toContain('s3cret');
  });

  it('may be too old for RESP3', async () => {
    server = await RedisServer.start(['--rename-command', 'HELLO', '', '--requirepass', SECRET]);
    await expectEvents(await open(`:${QUOTED}@`));
    expect(logged).toEqual([]);
  });

  it('may use TLS, with a certificate that is trusted', async () => {
    const [key, cert] = [join(TLS, 'localhost.key'), join(TLS, 'localhost.crt')];
    server = await RedisServer.start(['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']);
    const url = await server.alsoByTls();

    const connecting = jest.spyOn(tls, 'connect');
    const stranger = await RedisEventBus.open({ redisUrl: url });
    opened.push(stranger);
    expect(logged).toEqual([expect.stringContaining('self-signed certificate')]);
    // As an alert at the end of the handshake.
    for (const { value } of connecting.mock.results) (value as tls.TLSSocket).emit('error', new Error('late'));

    const { id } = runningJob();
    const { revision } = await runOtherProcess('redisUrl', url, id, { NODE_EXTRA_CA_CERTS: cert });
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
  ])('%s is valid', (url, options, name) => {
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
  ])('%s is invalid, and in no error', (url) => {
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
