import { randomUUID } from 'node:crypto';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer, json } from 'node:stream/consumers';
import { WebSocket } from 'ws';

/**
 * The server that the service is compared with: the same job and nothing else. One socket, keep-alive, and the files
 * buffered whole; no checks, no retries, no polling, and after an outage its callers wait without end.
 */
interface FileReference {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: string;
}
type History = Readonly<Record<string, { outputs: Record<string, { images?: FileReference[] }> }>>;

const comfyUI = process.env.COMFYUI_BASE_URL ?? 'http://127.0.0.1:8188';
const clientId = randomUUID();
const agent = new Agent({ keepAlive: true });
const waiting = new Map<string, () => void>();

function call(method: string, path: string, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    request(`${comfyUI}/api${path}`, { method, agent, headers }, resolve).on('error', reject).end(body);
  });
}

function listen(): void {
  const socket = new WebSocket(`${comfyUI.replace('http', 'ws')}/ws?clientId=${clientId}`, {
    perMessageDeflate: false,
  });
  socket.on('message', (frame: Buffer, isBinary) => {
    if (isBinary) return;
    const { type, data } = JSON.parse(frame.toString()) as {
      type: string;
      data: { node?: string | null; prompt_id?: string };
    };
    if (type === 'executing' && data.node === null) waiting.get(data.prompt_id ?? '')?.();
  });
}

async function run(prompt: unknown): Promise<FileReference[]> {
  const promptId = randomUUID();
  const done = new Promise<void>((resolve) => waiting.set(promptId, resolve));
  const response = await call('POST', '/prompt', JSON.stringify({ prompt, client_id: clientId, prompt_id: promptId }));
  await buffer(response);
  await done;
  waiting.delete(promptId);
  const history = (await json(await call('GET', `/history/${promptId}`))) as History;
  return Object.values(history[promptId]?.outputs ?? {}).flatMap(({ images = [] }) => images);
}

async function fetchFile(file: FileReference): Promise<{ base64: string }> {
  const response = await call('GET', `/view?${new URLSearchParams({ ...file }).toString()}`);
  const bytes = await buffer(response);
  const mediaType = response.headers['content-type'];
  const about = { filename: file.filename, mediaType, sizeBytes: bytes.length };
  return { ...about, base64: bytes.toString('base64') };
}

async function generate(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (incoming.method === 'GET') {
    outgoing.end();
    return;
  }
  const { prompt } = (await json(incoming)) as { prompt: unknown };
  const images = await Promise.all((await run(prompt)).map(fetchFile));
  const body = JSON.stringify({ image: images[0]?.base64 ?? null, images });
  outgoing.setHeader('Content-Type', 'application/json');
  outgoing.end(body);
}

listen();
const server = createServer((incoming, outgoing) => {
  generate(incoming, outgoing).catch((error: unknown) => {
    outgoing.statusCode = 500;
    outgoing.end(String(error));
  });
});
// The default of 5 s closes connections that a busy machine is about to use.
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
