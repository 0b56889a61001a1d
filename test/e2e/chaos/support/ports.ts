import { createServer } from 'node:net';

/**
 * Below the ephemeral port range: no other process takes a port while its server is down, and a connection to it cannot
 * connect to itself.
 */
const FIRST = 10_000;
const LAST = 30_000;

const WORKERS = 16;
const reserved = new Set<number>();

/** A port that is reserved until this process ends; two jest workers never share one. */
export async function ownPort(): Promise<number> {
  const worker = Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS;
  for (;;) {
    const random = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const port = random - (random % WORKERS) + worker;
    if (reserved.has(port) || !(await isFree(port))) continue;
    reserved.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
