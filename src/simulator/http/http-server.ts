import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from 'ws';
import { ServerProcess } from '../server-process';
import { PayloadTooLarge } from './body';
import { Exchange, Reply } from './exchange';
import { Gate } from './gate';
import { empty, json, proxyPage, serverError, text } from './replies';
import { Router } from './router';
import { routesOf } from './routes';

/** aiohttp's limit for a message from a client; a larger one closes the socket with 1009. */
const MAX_MESSAGE = 4 * 1024 * 1024;

/** The HTTP server of a process: requests, WebSocket upgrades, and the faults of a proxy. */
export class HttpServer {
  /** Number of requests by `METHOD /route`, without prefix and `/api`. */
  readonly requests: Record<string, number> = {};
  readonly #server: Server;
  /** All connections: `Server#closeAllConnections` does not close upgraded ones. */
  readonly #connections = new Set<Socket>();
  readonly #sockets: WebSocketServer;
  readonly #router: Router;
  readonly #gate: Gate;

  constructor(private readonly process: ServerProcess) {
    const { settings } = process;
    this.#router = routesOf(process).add('GET', '/simulator/stats', () => json(this.#stats()));
    this.#gate = new Gate(settings, process.faults);
    const perMessageDeflate = settings.speed === 'instant' || settings.speed <= 0 ? false : { threshold: 1024 };
    this.#sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate });
    this.#server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (connection) => {
      this.#connections.add(connection);
      connection.once('close', () => this.#connections.delete(connection));
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve());
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Closes every connection at once, as the end of a process does. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #stats(): Record<string, unknown> {
    const { finishedCount, queue, hub } = this.process;
    return { finished: finishedCount, remaining: queue.remaining, sockets: hub.size, requests: this.requests };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const route = this.#gate.routeOf(request.url ?? '/');
    this.#count(method, route?.path);
    const refusal = this.#gate.refuse(request, route, 'http');
    if (refusal === 'hang') return;
    // Reads the request before it refuses it, so that the connection does not close while the client sends.
    if (refusal !== undefined) return void request.resume().once('end', () => void send(response, refusal, method));
    const reply = await this.#reply(request, method, route?.path ?? '/', route?.query ?? new URLSearchParams());
    if (reply !== undefined) await send(response, reply, method);
  }

  async #reply(
    request: IncomingMessage,
    method: string,
    path: string,
    query: URLSearchParams,
  ): Promise<Reply | undefined> {
    if (method === 'OPTIONS') return empty();
    try {
      const found = this.#router.find(method, path);
      if (Array.isArray(found)) return unmatched(method, found);
      const exchange = new Exchange(request, path, query, found.params, this.process.settings.maxUploadSize);
      return await found.handler(exchange);
    } catch (error) {
      if (error instanceof PayloadTooLarge) return { ...text(error.message, 413), headers: { Connection: 'close' } };
      return serverError(request.headers.accept);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const route = this.#gate.routeOf(request.url ?? '/');
    this.#count('GET', route?.path);
    const refusal = this.#gate.refuse(request, route, 'socket');
    if (refusal === 'hang') return;
    if (refusal !== undefined || route?.path !== '/ws') return refuseUpgrade(socket, refusal ?? proxyPage(404));
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.process.hub.connect(webSocket, route.query.get('clientId') ?? '');
    });
  }

  #count(method: string, path: string | undefined): void {
    const key = `${method} ${path ?? '?'}`;
    this.requests[key] = (this.requests[key] ?? 0) + 1;
  }
}

/** Without a route ComfyUI serves the static files of the editor, which support GET and HEAD only; here there are none. */
function unmatched(method: string, others: string[]): Reply {
  if (method === 'GET' || method === 'HEAD') {
    return { status: 404, headers: { 'Content-Type': 'application/octet-stream' } };
  }
  const allowed = [...new Set([...others, 'GET', 'HEAD'])].toSorted();
  return text('405: Method Not Allowed', 405, { Allow: allowed.join(',') });
}

async function send(response: ServerResponse, reply: Reply, method: string): Promise<void> {
  const { body = '' } = reply;
  const isStream = body instanceof Readable;
  const length = isStream ? undefined : Buffer.byteLength(body);
  const headers = { Server: 'simulator', ...(length !== undefined && { 'Content-Length': length }), ...reply.headers };
  response.writeHead(reply.status, headers);
  if (!isStream) response.end(method === 'HEAD' ? undefined : body);
  else if (method === 'HEAD') response.end(() => body.destroy());
  else await pipeline(body, response);
}

function refuseUpgrade(socket: Duplex, { status, headers = {}, body = '' }: Reply): void {
  const content = body instanceof Readable ? '' : body;
  const lines = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(content), Connection: 'close' });
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${String(content)}`);
}
