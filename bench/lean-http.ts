import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface LeanRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
}

export interface LeanResponse {
  readonly status: number;
  readonly mediaType: string;
  readonly body: readonly Buffer[];
}

interface Handlers {
  readonly request: (request: LeanRequest) => LeanResponse;
  readonly upgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

const END_OF_HEAD = '\r\n\r\n';

/**
 * As much of HTTP/1.1 as the clients of the stand-in use: bodies with a length, keep-alive. `node:http` costs more CPU
 * time per request than everything else that the stand-in does; it gets only the connections that become WebSockets.
 */
export function leanServer(handlers: Handlers): Server {
  const upgrades = createHttpServer().on('upgrade', (...args) => handlers.upgrade(...args));
  return createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      if (/^upgrade: websocket/im.test(first.toString('latin1'))) passOn(socket, first, upgrades);
      else serve(socket, first, handlers);
    });
  });
}

function passOn(socket: Socket, first: Buffer, server: HttpServer): void {
  socket.unshift(first);
  server.emit('connection', socket);
}

function serve(socket: Socket, first: Buffer, { request }: Handlers): void {
  let pending: Buffer = first;
  const takeAll = () => {
    for (let next = takeRequest(pending); next !== undefined; next = takeRequest(pending)) {
      pending = pending.subarray(next.bytes);
      respond(socket, request(next.request), next.isLast);
    }
  };
  socket.on('data', (bytes: Buffer) => {
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
    takeAll();
  });
  takeAll();
}

/** The first request in these bytes; undefined when it is not complete. */
function takeRequest(bytes: Buffer): { request: LeanRequest; bytes: number; isLast: boolean } | undefined {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const [method = '', path = ''] = head.split(' ', 2);
  const start = end + END_OF_HEAD.length;
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (bytes.length < start + length) return undefined;
  const request = { method, path, body: bytes.subarray(start, start + length) };
  return { request, bytes: start + length, isLast: /^connection: *close/im.test(head) };
}

function respond(socket: Socket, { status, mediaType, body }: LeanResponse, isLast: boolean): void {
  const length = body.reduce((sum, piece) => sum + piece.length, 0);
  const head = `HTTP/1.1 ${status} \r\nContent-Type: ${mediaType}\r\nContent-Length: ${length}${END_OF_HEAD}`;
  socket.cork();
  socket.write(head, 'latin1');
  for (const piece of body) socket.write(piece);
  socket.uncork();
  if (isLast) socket.end();
}
