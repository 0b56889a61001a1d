import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that can stop and start on the same port. */
export abstract class RestartableServer {
  /** Idle time after which a connection is closed, ms. */
  protected readonly keepAliveMs: number = 5_000;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts on the port of the previous start, if any. */
  async listen(): Promise<void> {
    const { keepAliveMs: keepAliveTimeout } = this;
    this.#server = createServer({ keepAliveTimeout }, (request, response) => void this.serve(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Stops and closes all connections. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  protected abstract serve(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}
