import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSimulator } from '../../src/simulator';
import { startFromArguments } from '../../src/simulator/command-line';
import { get, historyWhenThere, isEndOf, isText, isType, post, RawClient } from '../contract/support/raw-client';
import { sampling } from '../contract/support/workflows';
import { connect, flatPicture, serverOf, steps } from './support';

const CREDENTIALS = { Authorization: `Basic ${Buffer.from('ann:se:cret').toString('base64')}` };

it('requires a password like a proxy, for HTTP and WebSocket', async () => {
  const simulator = await startSimulator({ speed: 'instant', basicAuth: { username: 'ann', password: 'se:cret' } });
  const response = await fetch(`${simulator.url}/prompt`);
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="ComfyUI"']);
  await expect(connect(simulator)).rejects.toThrow('401');
  const client = await RawClient.connect({ ...serverOf(simulator), headers: CREDENTIALS });
  expect((await client.run({ prompt: flatPicture() })).response.status).toBe(200);
  await client.close();
  await simulator.close();
});

it('serves only below the path prefix', async () => {
  const simulator = await startSimulator({ speed: 'instant', pathPrefix: 'tools/comfy/' });
  expect(new URL(simulator.url).pathname).toBe('/tools/comfy');
  expect((await get(serverOf(simulator), '/api/prompt')).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${simulator.port}/prompt`)).status).toBe(404);
  const client = await connect(simulator);
  await client.run({ prompt: flatPicture() });
  await client.close();
  await simulator.close();
});

describe('speed', () => {
  const durationAt = async (speed: number | 'instant'): Promise<number> => {
    const simulator = await startSimulator({ speed });
    const client = await connect(simulator);
    const start = performance.now();
    await client.run({ prompt: steps(4, 2) });
    const duration = performance.now() - start;
    await client.close();
    await simulator.close();
    return duration;
  };

  it('divides the simulated time', async () => {
    const fast = await durationAt(10);
    expect(fast).toBeGreaterThan(190);
    expect(fast).toBeLessThan(1500);
  });

  it('instant never waits', async () => {
    expect(await durationAt('instant')).toBeLessThan(190);
  });
});

it('removes a temporary folder at its end, but not a configured one', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'simulator-test-'));
  const [configured, temporary] = [await startSimulator({ directory }), await startSimulator()];
  const folder = temporary.directory;
  expect(readdirSync(folder).toSorted()).toEqual(['input', 'output', 'temp']);
  await Promise.all([configured.close(), temporary.close()]);
  expect([existsSync(join(directory, 'output')), existsSync(folder)]).toEqual([true, false]);
});

it('runs several prompts concurrently', async () => {
  const simulator = await startSimulator({ speed: 'instant', concurrency: 2 });
  const hold = simulator.faults.arm({ kind: 'hold', classType: 'SaveImage', times: Infinity });
  const client = await connect(simulator);
  const ids = [randomUUID(), randomUUID()];
  for (const promptId of ids) await client.submit({ prompt: flatPicture(), prompt_id: promptId });
  await client.until(() => hold.fired === 2);
  const { body } = await get(serverOf(simulator), '/queue');
  expect((body as { queue_running: unknown[] }).queue_running).toHaveLength(2);
  hold.clear();
  for (const promptId of ids) await client.waitFor(isEndOf(promptId));
  await client.close();
  await simulator.close();
});

it('sends no previews if they are off', async () => {
  const simulator = await startSimulator({ speed: 'instant', previews: false });
  const client = await connect(simulator);
  await client.run({ prompt: sampling({ seed: 1, steps: 2 }) });
  expect(client.messages.filter(isType('progress'))).toHaveLength(2);
  expect(client.messages.every(isText)).toBe(true);
  await client.close();
  await simulator.close();
});

it('states that it is a simulator', async () => {
  const simulator = await startSimulator();
  expect((await get(serverOf(simulator), '/system_stats')).body).toMatchObject({
    simulated: true,
    system: { simulated: true, argv: ['simulator'], comfyui_version: '0.3.64' },
    devices: [{ name: 'simulated (no GPU)' }],
  });
  await simulator.close();
});

it('refuses a body over the limit with 413', async () => {
  const simulator = await startSimulator({ maxUploadSize: 1000 });
  const response = await post(serverOf(simulator), '/prompt', 'x'.repeat(1001));
  expect(response).toEqual({ status: 413, body: 'Maximum request body size 1000 exceeded.' });
  expect((await get(serverOf(simulator), '/features')).body).toMatchObject({ max_upload_size: 1000 });
  await simulator.close();
});

describe('protocol 0.38', () => {
  const start = () => startSimulator({ speed: 'instant', protocol: '0.38' });

  it('accepts only a canonical UUID as an id', async () => {
    const simulator = await start();
    const submit = (id: unknown) => post(serverOf(simulator), '/prompt', { prompt: flatPicture(), prompt_id: id });
    const bad = await submit(randomUUID().toUpperCase());
    expect(bad).toMatchObject({ status: 400, body: { error: { type: 'invalid_prompt_id' } } });
    expect((await submit(null)).status).toBe(200);
    await simulator.close();
  });

  it('names a missing node type and a cycle', async () => {
    const simulator = await start();
    const response = async (prompt: object) => (await post(serverOf(simulator), '/prompt', { prompt })).body;
    const node = { class_type: 'Nope', inputs: {}, _meta: { title: 'Mine' } };
    expect(await response({ '1': node })).toMatchObject({
      error: { type: 'missing_node_type', extra_info: { node_id: '1', class_type: 'Nope', node_title: 'Mine' } },
    });
    const cycle = { '2': { class_type: 'ImageInvert', inputs: { image: ['2', 0] } } };
    const save = { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } };
    expect(await response({ ...cycle, '3': save })).toMatchObject({
      node_errors: { '2': { errors: [{ type: 'dependency_cycle', details: '2 (ImageInvert) -> 2 (ImageInvert)' }] } },
    });
    await simulator.close();
  });

  it('lists, finds and cancels jobs', async () => {
    const simulator = await start();
    const server = serverOf(simulator);
    const client = await connect(simulator);
    const { promptId: done } = await client.run({ prompt: flatPicture() });
    const hold = simulator.faults.arm({ kind: 'hold', classType: 'SaveImage' });
    const [running, waiting] = [randomUUID(), randomUUID()];
    for (const id of [running, waiting]) await client.submit({ prompt: flatPicture(), prompt_id: id });
    await hold.struck;
    const job = async (id: string) => (await get(server, `/api/jobs/${id}`)).body as Record<string, unknown>;
    expect([(await job(done))['status'], (await job(running))['status'], (await job(waiting))['status']]).toEqual([
      'completed',
      'in_progress',
      'pending',
    ]);
    expect(await job(done)).toMatchObject({ outputs_count: 1, create_time: expect.any(Number) as number });
    expect((await get(server, `/api/jobs/${randomUUID()}`)).status).toBe(404);
    expect((await post(server, `/api/jobs/${waiting}/cancel`, '')).body).toEqual({ cancelled: true });
    expect((await post(server, '/api/jobs/cancel', { job_ids: [running, done] })).body).toEqual({ cancelled: true });
    await historyWhenThere(server, running);
    expect((await job(running))['status']).toBe('cancelled');
    expect((await get(server, '/api/jobs?status=completed')).body).toMatchObject({ pagination: { total: 1 } });
    expect((await get(server, '/jobs')).status).toBe(404);
    await client.close();
    await simulator.close();
  });

  it('does not exist in 0.3.64', async () => {
    const simulator = await startSimulator({ speed: 'instant' });
    expect((await get(serverOf(simulator), '/api/jobs')).status).toBe(404);
    await simulator.close();
  });
});

describe('the command line', () => {
  it('starts a simulator with its options', async () => {
    const simulator = await startFromArguments('--port 0 --speed instant --basic-auth ann:se:cret'.split(' '));
    expect((await fetch(`${simulator?.url}/prompt`)).status).toBe(401);
    expect((await fetch(`${simulator?.url}/prompt`, { headers: CREDENTIALS })).status).toBe(200);
    await simulator?.close();
  });

  it.each([
    ['--port x', '--port must be a number, not x'],
    ['--basic-auth ann', '--basic-auth must be user:password'],
    ['--protocol 9', '--protocol must be 0.3.64 or 0.38'],
    ['--nonsense', "Unknown option '--nonsense'"],
  ])('refuses %s', async (words, message) => {
    await expect(startFromArguments(words.split(' '))).rejects.toThrow(message);
  });

  it('prints its usage', async () => {
    expect(await startFromArguments(['--help'])).toBeUndefined();
  });
});
