import { createServer } from 'node:net';

/**
 * Below the range from which systems take the ports of outgoing connections: nobody gets one of these while its server
 * is down, and a connection to it can not end up at itself.
 */
const FIRST = 10_000;
const LAST = 30_000;

const WORKERS = 16;
const given = new Set<number>();

/** A port for as long as the process runs; no two workers of jest get the same. */
export async function ownPort(): Promise<number> {
  const worker = Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS;
  for (;;) {
    const random = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const port = random - (random % WORKERS) + worker;
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
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
