import type { Agent } from 'node:http';
import type { Socket } from 'node:net';

type CreateConnection = (...parameters: unknown[]) => Socket;

/** Limits the connect time of an agent to `ms`: an address that drops packets would delay a request for minutes. */
export function withConnectTimeout<T extends Agent>(agent: T, ms: number): T {
  const connecting = agent as T & { createConnection: CreateConnection };
  const createConnection = connecting.createConnection.bind(agent);
  connecting.createConnection = (...parameters) => {
    const socket = createConnection(...parameters);
    const timer = setTimeout(() => socket.destroy(timedOut(ms)), ms);
    const stop = () => clearTimeout(timer);
    socket.once('connect', stop).once('close', stop);
    return socket;
  };
  return agent;
}

function timedOut(ms: number): Error {
  return Object.assign(new Error(`no connection within ${ms / 1000} s`), { code: 'ETIMEDOUT', syscall: 'connect' });
}
