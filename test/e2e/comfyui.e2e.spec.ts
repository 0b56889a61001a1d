import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Simulator } from '../../src/simulator';
import { type Platform, postJson, type Stack, startComfyUI, startStack } from '../support/stack';
import { eventually } from '../support/eventually';
import { flatPicture } from '../support/workflows';

const CREDENTIALS = { username: 'gäst', password: 'päss:word€' };

describe.each<Platform>(['service', 'express'])('on %s', (platform) => {
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

  it('GET /comfyui/status tells version, queue, devices and round trip', async () => {
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
  ])('POST /comfyui/workflow hands a workflow over and returns at once: %s', async (_what, wrap) => {
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

  it('POST /comfyui/workflow tells which nodes were left out', async () => {
    comfyUI.faults.arm({ kind: 'node-errors', nodeId: '3', message: 'not today' });
    const prompt = { ...flatPicture(5), '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    const { data } = (await (await postJson(`${stack.url}/comfyui/workflow`, prompt)).json()) as { data: object };
    expect(data).toMatchObject({ nodeErrors: { 3: { classType: 'PreviewImage', problems: [expect.any(Object)] } } });
  });

  it('POST /comfyui/workflow answers 422 for a workflow ComfyUI refuses, 400 for none', async () => {
    expect((await postJson(`${stack.url}/comfyui/workflow`, { '1': { class_type: 'Nope', inputs: {} } })).status).toBe(
      422,
    );
    expect((await postJson(`${stack.url}/comfyui/workflow`, { prompt: 'text' })).status).toBe(400);
    expect((await postJson(`${stack.url}/comfyui/workflow`, [])).status).toBe(400);
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

  it('when nothing listens', async () => {
    expect(await statusOf('http://127.0.0.1:9')).toEqual({
      reachable: false,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('when ComfyUI does not answer', async () => {
    const comfyUI = await startComfyUI();
    comfyUI.faults.arm({ kind: 'hang', times: Infinity });
    expect(await statusOf(comfyUI.url)).toEqual({ reachable: false, reason: expect.stringContaining('within 5 s') });
    await comfyUI.close();
  });

  it('when the credentials are wrong', async () => {
    const comfyUI = await startComfyUI({ basicAuth: CREDENTIALS });
    expect(await statusOf(comfyUI.url)).toEqual({
      reachable: false,
      reason: expect.stringContaining('COMFYUI_USERNAME'),
    });
    await comfyUI.close();
  });

  it('when connections do not even open', async () => {
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

  it('goes with every request and with the socket', async () => {
    const stack = await startStack({ baseUrl: comfyUI.url, ...CREDENTIALS });
    expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(1) })).status).toBe(200);
    expect(stack.logs.join('\n')).not.toContain('Socket lost');
    expect(stack.logs.filter((line) => line.includes('No credentials'))).toEqual([]);
    await stack.close();
  });

  it('is never told: not in a log, not in an error, not in an answer', async () => {
    const wrong = { username: 'somebody', password: 'a-secret-that-is-wrong' };
    const stack = await startStack({ baseUrl: comfyUI.url, ...wrong });
    const answers = [
      await postJson(`${stack.url}/generate`, { prompt: flatPicture(2) }),
      await fetch(`${stack.url}/comfyui/status`),
    ];
    const told = [...stack.logs, ...(await Promise.all(answers.map((answer) => answer.text())))].join('\n');
    expect(told).toContain('backend_unauthorized');
    for (const secret of [wrong.password, Buffer.from(`${wrong.username}:${wrong.password}`).toString('base64')])
      expect(told).not.toContain(secret);
    await stack.close();
  });

  it('is missed with one warning', async () => {
    const stack = await startStack({ baseUrl: comfyUI.url });
    expect(stack.logs.filter((line) => line.startsWith('warn') && line.includes('No credentials'))).toHaveLength(1);
    await stack.close();
  });
});

it('a path prefix in the address is kept, for requests and for the socket', async () => {
  const comfyUI = await startComfyUI({ pathPrefix: '/behind/a/proxy' });
  const stack = await startStack({ baseUrl: `${comfyUI.url.replace(/\/behind.*$/, '')}/behind/a/proxy/` });
  expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(3) })).status).toBe(200);
  expect(stack.logs.join('\n')).not.toContain('Socket lost');
  await stack.close();
  await comfyUI.close();
});

it('an idle socket is kept alive through a proxy that cuts what is quiet', async () => {
  const comfyUI = await startComfyUI();
  const stack = await startStack({ baseUrl: comfyUI.url });
  const cut = comfyUI.faults.arm({ kind: 'idle-cut', ms: 22_000 });
  expect((await postJson(`${stack.url}/generate`, { prompt: flatPicture(4) })).status).toBe(200);
  await sleep(28_000);
  expect(cut.fired).toBe(0);
  expect(comfyUI.stats.sockets).toBe(1);
  expect(stack.logs.join('\n')).not.toContain('Socket lost');
  await stack.close();
  await comfyUI.close();
}, 45_000);
