import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, WebSocket, WebSocketServer } from 'ws';

/** Stands between the service and ComfyUI and hears each message to the service just before it is passed on. */
export class SocketProxy {
  readonly #server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing));
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  private constructor(
    private readonly comfyUI: string,
    private readonly hear: (message: string) => void,
  ) {
    this.#server.on('upgrade', (incoming, socket: Duplex, head: Buffer) => {
      this.#sockets.handleUpgrade(incoming, socket, head, (service) => this.#join(service, incoming.url ?? ''));
    });
  }

  static async start(comfyUI: string, hear: (message: string) => void): Promise<SocketProxy> {
    const proxy = new SocketProxy(comfyUI, hear);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, headers, url = '' } = incoming;
    const onward = request(this.comfyUI + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  }

  #join(service: WebSocket, path: string): void {
    const comfyUI = new WebSocket(this.comfyUI.replace('http', 'ws') + path, { perMessageDeflate: false });
    const early: RawData[] = [];
    service.on('message', (data: Buffer) => {
      if (comfyUI.readyState === WebSocket.OPEN) comfyUI.send(data.toString());
      else early.push(data);
    });
    comfyUI.once('open', () => early.forEach((data) => comfyUI.send((data as Buffer).toString())));
    comfyUI.on('message', (data: Buffer, binary) => {
      if (!binary) this.hear(data.toString());
      service.send(data, { binary });
    });
    comfyUI.once('close', () => service.terminate());
    comfyUI.once('error', () => service.terminate());
    service.once('close', () => comfyUI.terminate());
  }
}
