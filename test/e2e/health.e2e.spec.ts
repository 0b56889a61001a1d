import { PinoLogger } from 'nestjs-pino';
import { type Logger, symbols } from 'pino';
import { ShutdownState } from '../../src/application/maintenance/shutdown-state';
import { DatabaseConnection } from '../../src/infrastructure/database/database-connection';
import { eventually } from '../support/eventually';
import { type Stack, startStack } from '../support/stack';

/** Without a server: the service is healthy even if no ComfyUI is reachable. */
const UNREACHABLE = 'http://127.0.0.1:9';

let stack: Stack;

beforeEach(async () => {
  stack = await startStack({ baseUrl: UNREACHABLE, shutdownGrace: 0 }, 'service');
});

afterEach(() => stack.close());

async function health(what: 'live' | 'ready') {
  const response = await fetch(`${stack.url}/health/${what}`);
  return { status: response.status, cache: response.headers.get('cache-control'), body: await response.json() };
}

const ALIVE = { status: 200, cache: 'no-store', body: { status: 'ok', info: {}, error: {}, details: {} } };

it('is alive and ready, also without a reachable ComfyUI', async () => {
  expect(await health('live')).toEqual(ALIVE);
  const jobs = { status: 'up', responseTime: expect.any(Number) };
  expect(await health('ready')).toEqual({
    status: 200,
    cache: 'no-store',
    body: { status: 'ok', info: { jobs }, error: {}, details: { jobs } },
  });
});

it('is not ready while it shuts down, and still alive', async () => {
  stack.app.get(ShutdownState, { strict: false }).begin();
  const jobs = { status: 'down', message: expect.stringContaining('shutting down'), responseTime: expect.any(Number) };
  expect(await health('ready')).toEqual({
    status: 503,
    cache: 'no-store',
    body: { status: 'error', info: {}, error: { jobs }, details: { jobs } },
  });
  expect(await health('live')).toEqual(ALIVE);
});

it('is not ready if jobs cannot be stored', async () => {
  await stack.app.get(DatabaseConnection, { strict: false }).database.close();
  expect(await health('ready')).toMatchObject({ status: 503, body: { error: { jobs: { status: 'down' } } } });
  expect(await health('live')).toEqual(ALIVE);
});

it('exists only in the service, not in a host application', async () => {
  const host = await startStack({ baseUrl: UNREACHABLE }, 'express');
  expect((await fetch(`${host.url}/health/live`)).status).toBe(404);
  await host.close();
});

it('is not logged, while every other request is, once', async () => {
  const lines: { req?: { url: string }; msg: string }[] = [];
  const log = PinoLogger.root as Logger & { [symbols.streamSym]: { write(line: string): void } };
  log.level = 'info';
  log[symbols.streamSym] = { write: (line) => void lines.push(JSON.parse(line)) };
  for (const path of ['health/live', 'health/ready', 'comfyui/status?a=b']) await fetch(`${stack.url}/${path}`);
  await eventually(() => expect(lines.map(({ req }) => req?.url)).toContain('/comfyui/status?a=b'));
  const requests = lines.filter(({ msg }) => msg === 'request completed');
  expect(requests).toEqual([expect.objectContaining({ level: 30, req: expect.objectContaining({ method: 'GET' }) })]);
  log.level = 'silent';
});
