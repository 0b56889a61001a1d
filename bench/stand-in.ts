import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { leanServer, type LeanRequest, type LeanResponse } from './lean-http';
import { pictureFile } from './pictures';
import { Runs } from './stand-in-runs';

/**
 * ComfyUI for measurements: the routes and frames that a generation needs, with pictures that exist before the clock
 * starts. A run takes no time, so that nearly all CPU time of a measurement belongs to the servers that are compared.
 */
const runs = new Runs();
/** The connections of the WebSockets by client id. */
const clients = new Map<string, Duplex>();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

const FIXED: Readonly<Record<string, object>> = {
  '/': {},
  '/system_stats': { system: { comfyui_version: '0.3.64' }, devices: [] },
  '/object_info': { EmptyImage: {}, SaveImage: {} },
  '/queue': { queue_running: [], queue_pending: [] },
};

const server = leanServer({
  request: ({ method, path, body }) => {
    const request = { method, path: path.replace(/^\/api(?=\/)/, ''), body };
    return method === 'POST' ? write(request) : read(request);
  },
  upgrade: (incoming, wire, head) =>
    sockets.handleUpgrade(incoming, wire, head, (socket) => {
      const id = new URL(incoming.url ?? '', 'http://localhost').searchParams.get('clientId') ?? '';
      clients.set(id, wire);
      socket.on('close', () => clients.get(id) === wire && clients.delete(id));
    }),
});

function read({ path }: LeanRequest): LeanResponse {
  const fixed = FIXED[path];
  if (fixed) return json(fixed);
  if (path.startsWith('/view?')) return picture(path);
  if (path.startsWith('/history/')) return json(runs.history(path.slice('/history/'.length)));
  return json({}, 404);
}

function write({ path, body }: LeanRequest): LeanResponse {
  if (path !== '/prompt') return json({});
  const run = runs.add(body);
  clients.get(run.clientId ?? '')?.write(webSocketFrames(run.messages));
  return json({ prompt_id: run.promptId, number: run.number, node_errors: {} });
}

function picture(path: string): LeanResponse {
  const query = new URLSearchParams(path.slice('/view?'.length));
  const name = `${query.get('subfolder')}/${query.get('filename')}`;
  const side = runs.sideOf(name);
  return side === undefined ? json({}, 404) : { status: 200, mediaType: 'image/png', body: pictureFile(side, name) };
}

function json(content: object, status = 200): LeanResponse {
  return { status, mediaType: 'application/json', body: [Buffer.from(JSON.stringify(content))] };
}

/** Unmasked text frames in one buffer: one write for all messages of a run costs less than a `send` for each. */
function webSocketFrames(messages: readonly string[]): Buffer {
  const frames = messages.flatMap((message) => {
    const payload = Buffer.from(message);
    const header = payload.length < 126 ? Buffer.from([0x81, payload.length]) : Buffer.from([0x81, 126, 0, 0]);
    if (header.length === 4) header.writeUInt16BE(payload.length, 2);
    return [header, payload];
  });
  return Buffer.concat(frames);
}

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
