import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that can go away, and come back where it was. */
export abstract class RestartableServer {
  /** After so long without a request a connection is closed, ms. */
  protected readonly keepAliveMs: number = 5_000;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** On the same port as before. */
  async listen(): Promise<void> {
    const { keepAliveMs: keepAliveTimeout } = this;
    this.#server = createServer({ keepAliveTimeout }, (request, response) => void this.serve(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** What is under way breaks off. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  protected abstract serve(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}
