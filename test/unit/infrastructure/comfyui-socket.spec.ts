import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { type WebSocket, WebSocketServer } from 'ws';
import type { PromptEvent } from '../../../src/application/backends/comfyui-client';
import { ComfyUISocket } from '../../../src/infrastructure/comfyui/comfyui-socket';
import { Timing } from '../../../src/options/timing';
import { eventually } from '../../support/eventually';

const SHORT = { ...new Timing().socket, pingInterval: 20, pongTimeout: 50, firstReconnect: 1 };

describe('a socket to ComfyUI', () => {
  let server: WebSocketServer;
  let socket: ComfyUISocket;
  const events: PromptEvent['kind'][] = [];

  async function connect(): Promise<WebSocket> {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false });
    await once(server, 'listening');
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    socket = new ComfyUISocket({ baseUrl, connectTimeout: 5 }, SHORT);
    events.length = 0;
    const connected = once(server, 'connection');
    await socket.listen('prompt', ({ kind }) => events.push(kind));
    return (await connected)[0] as WebSocket;
  }

  beforeAll(() => Logger.overrideLogger(false));

  afterEach(() => {
    socket.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });

  it('is terminated and opened again without a pong within the time-out', async () => {
    const first = await connect();
    await once(first, 'close');
    await eventually(() => expect(events).toEqual(expect.arrayContaining(['connected', 'disconnected'])));
    await eventually(() => expect(events.filter((kind) => kind === 'connected').length).toBeGreaterThan(1));
  });
});
