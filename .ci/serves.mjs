// Starts the service that is built in a folder, waits until it is ready, and ends it: serves.mjs FOLDER
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const START_MS = 30_000;

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
await new Promise((closed) => server.close(closed));

const folder = await mkdtemp(join(tmpdir(), 'serves-'));
const env = { ...process.env, PORT: String(port), DATA_DIR: folder, HOST: '127.0.0.1' };
const service = spawn('node', ['dist/main.js'], { cwd: process.argv[2], stdio: 'inherit', env });
const ended = once(service, 'exit');
const isReady = () =>
  fetch(`http://127.0.0.1:${port}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
const deadline = Date.now() + START_MS;
while (!(await isReady()) && service.exitCode === null && Date.now() < deadline) await setTimeout(200);
if (!(await isReady())) process.exitCode = 1;
service.kill('SIGTERM');
const [code] = await ended;
if (code !== 0) process.exitCode = 1;
await rm(folder, { recursive: true, force: true });
