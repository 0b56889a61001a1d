import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Simulator } from '../../src/simulator';
import type { TransportOptions } from '../../src/options/transport.options';
import { startComfyUI } from '../support/stack';
import { HybridProcess } from './hybrid-process';
import { startHybrid } from './service';

let comfyUI: Simulator;
let service: HybridProcess | undefined;

beforeAll(async () => {
  comfyUI = await startComfyUI();
});

afterEach(async () => {
  await service?.remove();
  service = undefined;
});

afterAll(() => comfyUI.close());

const start = async (address: TransportOptions) => {
  service = await HybridProcess.start(address, { COMFYUI_BASE_URL: comfyUI.url });
  return service;
};

describe('the service', () => {
  it.each([
    ['redis', 'redis://me:secret@127.0.0.1:1/2', 'redis://127.0.0.1:1/2'],
    ['nats', 'nats://me:secret@127.0.0.1:1', 'nats://127.0.0.1:1'],
    ['rmq', 'amqp://me:secret@127.0.0.1:1', 'amqp://127.0.0.1:1'],
  ] as const)('does not start without its broker for %s, and says so', async (transport, url, told) => {
    const error: unknown = await startHybrid({ transport, url }, { COMFYUI_BASE_URL: comfyUI.url }).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as Error).message).toMatch(/does not start: .*ECONNREFUSED|does not start: .*refused/);
    expect((error as Error).message).toContain(`The microservice transport ${told} (MICROSERVICE_URL)`);
    expect((error as Error).message).not.toContain('secret');
  });

  it('exits then as a process, with code 1 and the sentence', async () => {
    const { exit, lines } = await start({ transport: 'redis', url: 'redis://me:secret@127.0.0.1:1' });
    expect(await exit).toEqual([1, null]);
    expect(lines.join('\n')).toContain(
      'The microservice transport redis://127.0.0.1:1 (MICROSERVICE_URL) does not start',
    );
    expect(lines.join('\n')).not.toContain('secret');
  });

  it('does not start when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const address = { transport: 'tcp', url: `tcp://127.0.0.1:${port}` } as const;
    await expect(startHybrid(address, { COMFYUI_BASE_URL: comfyUI.url })).rejects.toThrow(
      /does not start: .*EADDRINUSE/,
    );
    other.close();
  });

  it('survives malformed messages, and escapes them in its log', async () => {
    const { address, lines } = await start({ transport: 'tcp', url: 'tcp://127.0.0.1:0' });
    const { port } = new URL(address.url);
    const answers: string[] = [];
    for (const text of [
      '{"pattern":"a\\n[ERROR] forged","data":{}}',
      '{"pattern":"a\\n[ERROR] forged","data":{},"id":"1"}',
      '{"pattern":{"__proto__":{"a":1}},"data":null,"id":"2"}',
      '{"pattern":"jobs.get","data":null,"id":"3"}',
      '{"pattern":"jobs.list","data":"x","id":"4"}',
      '{"pattern":"generate","data":[],"id":"5"}',
      '{"pattern":"comfyui.unsubscribe","data":{"stream":5},"id":"6"}',
      '{"pattern":"comfyui.unsubscribe","data":{"stream":"x","cancel":"\\n[ERROR] forged"}}',
      'null',
      'no JSON\u001b[31m',
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(`${text.length}#${text}`);
      socket.on('data', (data) => answers.push(String(data)));
      socket.on('error', () => undefined);
      await Promise.race([once(socket, 'data'), new Promise((resolve) => setTimeout(resolve, 300))]);
      socket.destroy();
    }
    expect(answers.join('\n')).toMatch(/not_found[^]*invalid_request/);
    expect(lines.every((line) => line.startsWith('{') && !line.includes('\\n[ERROR]') && !line.includes('u001b'))).toBe(
      true,
    );
    expect(lines.join('\n')).toMatch(/"context":"RpcExceptionFilter","msg":"not_found: There is no job with this id/);
  });
});
