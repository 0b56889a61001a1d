import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Timing } from '../../src/options/timing';
import type { Simulator } from '../../src/simulator';
import { PLATFORMS, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { eventually } from '../support/eventually';
import { flatPicture } from '../support/workflows';

const CREDENTIALS = { username: 'gäst', password: 'päss:word€' };

describe.each(PLATFORMS)('on %s', (platform) => {
  let comfyUI: Simulator;
  let stack: Stack;

  beforeAll(async () => {
    comfyUI = await startComfyUI();
    stack = await startStack({ baseUrl: comfyUI.url }, platform);
  });

  afterAll(async () => {
    await stack.close();
    await comfyUI.close();
  });

  it('POST /comfyui/workflow answers 422 for a workflow that ComfyUI refuses, 400 without one', async () => {
    expect((await postJson(`${stack.url}/comfyui/workflow`, { '1': { class_type: 'Nope', inputs: {} } })).status).toBe(
      422,
    );
    expect((await postJson(`${stack.url}/comfyui/workflow`, { prompt: 'text' })).status).toBe(400);
    expect((await postJson(`${stack.url}/comfyui/workflow`, [])).status).toBe(400);
  });

  if (platform !== 'service') return;

  it('GET /comfyui/status returns version, queue, devices and round trip time', async () => {
    const response = await fetch(`${stack.url}/comfyui/status`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'success',
      data: {
        reachable: true,
        backends: [
          {
            url: comfyUI.url,
            reachable: true,
            version: '0.3.64',
            queue: { running: 0, pending: 0 },
            devices: [
              expect.objectContaining({ name: expect.stringContaining('simulated'), memoryTotal: expect.any(Number) }),
            ],
            roundTripMs: expect.any(Number),
            circuit: 'closed',
            labels: [],
            weight: 1,
            concurrency: 1,
            handedOver: 0,
          },
        ],
      },
    });
  });

  it.each([
    ['bare', (workflow: object) => workflow],
    ['in a prompt field', (workflow: object) => ({ prompt: workflow })],
  ])('POST /comfyui/workflow submits a workflow and returns at once: %s', async (_what, wrap) => {
    const response = await postJson(
      `${stack.url}/comfyui/workflow`,
      wrap(flatPicture(Math.floor(Math.random() * 1e6))),
    );
    expect(response.status).toBe(200);
    const { status, data } = (await response.json()) as {
      status: string;
      data: { promptId: string; number: number; nodeErrors: object };
    };
    expect({ status, data }).toEqual({
      status: 'success',
      data: {
        promptId: expect.any(String),
        jobId: data.promptId,
        number: expect.any(Number),
        nodeErrors: {},
        status: expect.stringMatching(/queued|running|succeeded/),
      },
    });
    await eventually(async () => {
      const history = JSON.stringify(await (await fetch(`${comfyUI.url}/history/${data.promptId}`)).json());
      expect(history).toContain('execution_success');
    });
  });

  it('POST /comfyui/workflow returns the nodes that ComfyUI left out', async () => {
    comfyUI.faults.arm({ kind: 'node-errors', nodeId: '3', message: 'not today' });
    const prompt = { ...flatPicture(5), '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    const { data } = (await (await postJson(`${stack.url}/comfyui/workflow`, prompt)).json()) as { data: object };
    expect(data).toMatchObject({ nodeErrors: { 3: { classType: 'PreviewImage', problems: [expect.any(Object)] } } });
  });
});

describe('GET /comfyui/status never fails and never hangs', () => {
  async function statusOf(baseUrl: string, options = {}): Promise<{ reachable: boolean; reason?: string }> {
    const stack = await startStack({ baseUrl, ...options });
    const response = await fetch(`${stack.url}/comfyui/status`);
    expect(response.status).toBe(200);
    const { data } = (await response.json()) as {
      data: { reachable: boolean; backends: { reachable: boolean; reason?: string }[] };
    };
    expect(data.backends[0]?.reachable).toBe(data.reachable);
    await stack.close();
    return { reachable: data.reachable, reason: data.backends[0]?.reason };
  }

  it('without a listening server', async () => {
    expect(await statusOf('http://127.0.0.1:9')).toEqual({
      reachable: false,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('if ComfyUI does not respond', async () => {
    const comfyUI = await startComfyUI();
    comfyUI.faults.arm({ kind: 'hang', times: Infinity });
    expect(await statusOf(comfyUI.url)).toEqual({ reachable: false, reason: expect.stringContaining('within 5 s') });
    await comfyUI.close();
  });

  it('with wrong credentials', async () => {
    const comfyUI = await startComfyUI({ basicAuth: CREDENTIALS });
    expect(await statusOf(comfyUI.url)).toEqual({
      reachable: false,
      reason: expect.stringContaining('check the user name and the password'),
    });
    await comfyUI.close();
  });

  it('if connections do not open', async () => {
    const script = 'const s=require("net").createServer().listen(0,"127.0.0.1",1,()=>console.log(s.address().port))';
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGSTOP');
    const fillers = await fillBacklog(Number(port));
    const started = Date.now();
    expect(await statusOf(`http://127.0.0.1:${Number(port)}`, { connectTimeout: 0.3 })).toMatchObject({
      reachable: false,
    });
    expect(Date.now() - started).toBeLessThan(4_500);
    for (const filler of fillers) filler.destroy();
    child.kill('SIGKILL');
  });
});

async function fillBacklog(port: number) {
  const { connect } = await import('node:net');
  return Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
}

describe('basic auth', () => {
  let comfyUI: Simulator;

  beforeAll(async () => {
    comfyUI = await startComfyUI({ basicAuth: CREDENTIALS });
  });

  afterAll(() => comfyUI.close());

  it('is sent with every request and with the socket', async () => {
    const stack = await startStack({ baseUrl: comfyUI.url, ...CREDENTIALS });
    expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(1) })).status).toBe(200);
    expect(stack.logs.join('\n')).not.toContain('Socket lost');
    expect(stack.logs.filter((line) => line.includes('No credentials'))).toEqual([]);
    await stack.close();
  });

  it('never appears in a log, an error or a response', async () => {
    const wrong = { username: 'a-user', password: 'a-secret-that-is-wrong' };
    const stack = await startStack({ baseUrl: comfyUI.url, ...wrong });
    const responses = [
      await postJson(`${stack.url}/generate`, { prompt: flatPicture(2) }),
      await fetch(`${stack.url}/comfyui/status`),
    ];
    const texts = [...stack.logs, ...(await Promise.all(responses.map((response) => response.text())))].join('\n');
    expect(texts).toContain('backend_unauthorized');
    for (const secret of [wrong.password, Buffer.from(`${wrong.username}:${wrong.password}`).toString('base64')])
      expect(texts).not.toContain(secret);
    await stack.close();
  });

  it('causes one warning if it is missing', async () => {
    const stack = await startStack({ baseUrl: comfyUI.url });
    expect(stack.logs.filter((line) => line.startsWith('warn') && line.includes('No credentials'))).toHaveLength(1);
    await stack.close();
  });
});

it('a path prefix in the URL is used for requests and for the socket', async () => {
  const comfyUI = await startComfyUI({ pathPrefix: '/behind/a/proxy' });
  const stack = await startStack({ baseUrl: `${comfyUI.url.replace(/\/behind.*$/, '')}/behind/a/proxy/` });
  expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(3) })).status).toBe(200);
  expect(stack.logs.join('\n')).not.toContain('Socket lost');
  await stack.close();
  await comfyUI.close();
});

it('an idle socket survives a proxy that closes idle connections', async () => {
  const comfyUI = await startComfyUI();
  const socket = { ...new Timing().socket, pingInterval: 500 };
  const stack = await startStack({ baseUrl: comfyUI.url, timing: { socket } });
  const cut = comfyUI.faults.arm({ kind: 'idle-cut', ms: 1_000 });
  expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(4) })).status).toBe(200);
  await sleep(2_500);
  expect(cut.fired).toBe(0);
  expect(comfyUI.stats.sockets).toBe(1);
  expect(stack.logs.join('\n')).not.toContain('Socket lost');
  await stack.close();
  await comfyUI.close();
});
