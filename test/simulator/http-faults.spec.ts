import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { get, post } from '../contract/support/raw-client';
import { connect, flatPicture, serverOf, useSimulator } from './support';

const simulator = useSimulator();
const server = () => serverOf(simulator());

const refusedUpgrade = async (): Promise<number | undefined> => {
  const socket = new WebSocket(`${simulator().url.replace(/^http/, 'ws')}/ws?clientId=x`);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  return response.statusCode;
};

async function savedImage(): Promise<string> {
  const client = await connect(simulator());
  const prompt = {
    '1': { class_type: 'SimulatedNoise', inputs: { width: 100, height: 100, seed: 1, batch_size: 1 } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'noise' } },
  };
  await client.run({ prompt });
  await client.close();
  return '/view?filename=noise_00001_.png';
}

describe('proxy', () => {
  it.each([401, 403, 413, 502, 504] as const)('answers %i in HTML', async (status) => {
    simulator().faults.arm({ kind: 'proxy', status });
    const response = await fetch(`${simulator().url}/prompt`);
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html']);
    expect(await response.text()).toContain('<center>nginx');
    expect((await get(server(), '/prompt')).status).toBe(200);
  });

  it('applies to one path and method only', async () => {
    simulator().faults.arm({ kind: 'proxy', status: 502, path: '/history', method: 'GET', times: Infinity });
    const statuses = [
      await get(server(), '/api/history/x'),
      await get(server(), '/queue'),
      await post(server(), '/history', {}),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([502, 200, 200]);
  });

  it('refuses the upgrade of a socket', async () => {
    simulator().faults.arm({ kind: 'proxy', status: 502, target: 'socket' });
    expect((await get(server(), '/prompt')).status).toBe(200);
    expect(await refusedUpgrade()).toBe(502);
    await (await connect(simulator())).close();
  });

  it('reads a large request before the refusal', async () => {
    simulator().faults.arm({ kind: 'proxy', status: 413 });
    expect((await post(server(), '/prompt', 'x'.repeat(4_000_000))).status).toBe(413);
  });
});

it('the routes of the simulator itself work with any armed fault', async () => {
  simulator().faults.arm({ kind: 'proxy', status: 502, times: Infinity });
  expect((await get(server(), '/prompt')).status).toBe(502);
  expect(await get(server(), '/simulator/stats')).toMatchObject({
    status: 200,
    body: { finished: 0, remaining: 0, sockets: 0, requests: { 'GET /prompt': 1 } },
  });
});

it('hang never responds, and does not delay other requests', async () => {
  const fault = simulator().faults.arm({ kind: 'hang', path: '/queue' });
  const hanging = fetch(`${simulator().url}/queue`, { signal: AbortSignal.timeout(300) });
  await fault.struck;
  expect((await get(server(), '/prompt')).status).toBe(200);
  await expect(hanging).rejects.toThrow('timeout');
});

it('hang leaves an upgrade without a response until the end', async () => {
  const fault = simulator().faults.arm({ kind: 'hang', path: '/ws' });
  const socket = new WebSocket(`${simulator().url.replace(/^http/, 'ws')}/ws?clientId=x`);
  const failed = once(socket, 'error');
  await fault.struck;
  expect(socket.readyState).toBe(WebSocket.CONNECTING);
  await simulator().restart();
  expect(await failed).toMatchObject([{ message: 'socket hang up' }]);
});

it('missing-file is a 404 for a file of the history', async () => {
  const path = await savedImage();
  simulator().faults.arm({ kind: 'missing-file', filename: 'noise_00001_.png' });
  expect([(await get(server(), path)).status, (await get(server(), path)).status]).toEqual([404, 200]);
});

describe('slow-view', () => {
  it('waits before the first byte', async () => {
    const path = await savedImage();
    simulator().faults.arm({ kind: 'slow-view', ms: 150 });
    const start = performance.now();
    await get(server(), path);
    expect(performance.now() - start).toBeGreaterThan(140);
  });

  it('does not delay the end of the simulator', async () => {
    const path = await savedImage();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const fault = simulator().faults.arm({ kind: 'slow-view', ms: 3_600_000 });
    const pending = fetch(simulator().url + path);
    await fault.struck;
    await Promise.all([expect(pending).rejects.toThrow('fetch failed'), simulator().close()]);
    // The client clears its timers asynchronously.
    for (const end = Date.now() + 5000; timers() > before && Date.now() < end;) await delay(20);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('limits the bytes per second', async () => {
    const path = await savedImage();
    simulator().faults.arm({ kind: 'slow-view', bytesPerSecond: 100_000 });
    const start = performance.now();
    const response = await fetch(simulator().url + path);
    const { byteLength } = await response.arrayBuffer();
    expect(byteLength).toBe(Number(response.headers.get('content-length')));
    expect(byteLength).toBeGreaterThan(30_000);
    expect(performance.now() - start).toBeGreaterThan(200);
  });

  it('closes the connection after a number of bytes', async () => {
    const path = await savedImage();
    simulator().faults.arm({ kind: 'slow-view', cutAfter: 1000 });
    const response = await fetch(simulator().url + path);
    await expect(response.arrayBuffer()).rejects.toThrow('terminated');
  });
});

describe('/simulator/faults', () => {
  it('arms, shows and clears faults over HTTP', async () => {
    const armed = await post(server(), '/simulator/faults', { kind: 'proxy', status: 502, times: 'Infinity' });
    expect(armed).toMatchObject({ status: 200, body: { kind: 'proxy', fired: 0 } });
    expect((await post(server(), '/prompt', { prompt: flatPicture() })).status).toBe(502);
    expect((await get(server(), '/simulator/faults')).body).toMatchObject({ armed: [{ kind: 'proxy', fired: 1 }] });
    await fetch(`${simulator().url}/simulator/faults?kind=proxy`, { method: 'DELETE' });
    expect((await get(server(), '/prompt')).status).toBe(200);
  });

  it('refuses an unknown kind', async () => {
    expect((await post(server(), '/simulator/faults', { kind: 'nonsense' })).status).toBe(400);
  });
});
