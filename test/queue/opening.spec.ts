import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { BullQueueConnection } from '../../src/infrastructure/queue/bull-queue-connection';
import { waitingJob } from '../store/jobs';
import { startTaker } from './processes';
import { describeOnRedis, onRedis, RedisServer } from './redis-server';

const SECRET = 's3cret!';
/** Of nobody: made for these tests, for localhost. */
const TLS = join(__dirname, '..', 'fixtures', 'tls');

describeOnRedis('a queue is opened', () => {
  let server: RedisServer;
  let warnings: string[];

  beforeEach(async () => {
    warnings = [];
    jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((...told: unknown[]) => void warnings.push(String(told[0])));
    server = await RedisServer.start();
  });

  afterEach(async () => {
    await server.remove();
    jest.restoreAllMocks();
  });

  const open = (redisUrl: string) => BullQueueConnection.open({ redisUrl });
  const withUser = (name: string, secret = SECRET) =>
    server.url.replace('//', `//${name}:${encodeURIComponent(secret)}@`);

  it('by a user who may do no more than it needs', async () => {
    const rules = ['on', `>${SECRET}`, '~comfyui:tickets:*', '&comfyui:*', '+@all', '-@admin'];
    await onRedis(server.url, (client) => client.call('ACL', 'SETUSER', 'painter', ...rules));
    const connection = await open(withUser('painter'));
    await connection.queue.offer([waitingJob(), waitingJob()]);
    await connection.queue.settle((await connection.queue.next([]))!);
    await connection.queue.putBack((await connection.queue.next([]))!);
    expect(await connection.queue.tickets()).toBe(1);
    await connection.onApplicationShutdown();
    expect(warnings).toEqual([]);
  });

  it('over TLS, with a certificate that is trusted only', async () => {
    await server.kill();
    const files = ['--tls-cert-file', join(TLS, 'localhost.crt'), '--tls-key-file', join(TLS, 'localhost.key')];
    await server.again('--port', '0', '--tls-port', String(server.port), '--tls-auth-clients', 'no', ...files);
    const url = server.url.replace('redis:', 'rediss:');
    const trusting = await startTaker(url, { NODE_EXTRA_CA_CERTS: join(TLS, 'localhost.crt') });
    expect(trusting.told).toEqual({});
    await trusting.kill();
    const careful = await startTaker(url);
    expect(careful.told.error).toMatch(/^Redis .* \(DEPTH_ZERO_SELF_SIGNED_CERT\)\.$/);
    await careful.kill();
  });

  it('or it says why not, without the password', async () => {
    await onRedis(server.url, (client) => client.call('ACL', 'SETUSER', 'mute', 'on', `>${SECRET}`, '+@all', '~*'));
    const hopeless = [
      [withUser('nobody'), 'Redis refused our credentials, or they allow too little (WRONGPASS).'],
      [withUser('mute'), 'Redis refused our credentials, or they allow too little (NOPERM).'],
      [`${withUser('default', '')}/99`, 'Redis has no database of that number (ERR).'],
      [`redis://u:${SECRET}@127.0.0.1:1`, 'Redis can not be reached (ECONNREFUSED).'],
      [`redis://u:${SECRET}@[bad`, expect.stringContaining('redis://user:password@host:port/number')],
      [`http://u:${SECRET}@127.0.0.1`, expect.stringContaining('redis://user:password@host:port/number')],
    ] as const;
    await Promise.all(
      hopeless.map(async ([url, message]) => {
        const error: unknown = await open(url).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'storage_failed', message });
        const { cause } = error as { cause?: object };
        expect(`${String(error)} ${JSON.stringify(error)} ${JSON.stringify({ ...cause })}`).not.toContain(SECRET);
      }),
    );
  });

  it('with one warning when Redis may drop tickets', async () => {
    const console_ = (['log', 'warn', 'error'] as const).map((level) => jest.spyOn(console, level));
    await onRedis(server.url, (client) => client.config('SET', 'maxmemory-policy', 'allkeys-lru'));
    const connection = await open(server.url);
    await connection.onApplicationShutdown();
    expect(warnings).toEqual([expect.stringContaining('allkeys-lru')]);
    for (const spy of console_) expect(spy).not.toHaveBeenCalled();
  });
});

it('a queue on Redis names the packages that are missing', async () => {
  jest.resetModules();
  jest.doMock('bullmq', () => {
    throw Object.assign(new Error("Cannot find module 'bullmq'"), { code: 'MODULE_NOT_FOUND' });
  });
  const path = '../../src/infrastructure/queue/bull-queue-connection';
  const without = jest.requireActual<{ BullQueueConnection: typeof BullQueueConnection }>(path);
  await expect(without.BullQueueConnection.open({ redisUrl: 'redis://127.0.0.1' })).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringContaining('npm install bullmq ioredis'),
  });
});
