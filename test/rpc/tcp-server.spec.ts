import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { streamOf } from '../../src/presentation/rpc/stream-of';
import { TcpServer } from '../../src/presentation/rpc/transport/tcp-server';
import { eventually } from '../support/eventually';

const EVENT = 'x'.repeat(256 * 1024);
const EVENTS = 400;

describe('the TCP transport', () => {
  let server: TcpServer;
  let socket: Socket;

  beforeEach(() => {
    server = new TcpServer({ host: '127.0.0.1', port: 0 });
  });

  afterEach(async () => {
    socket.destroy();
    await server.close();
  });

  const call = async (pattern: string) => {
    await new Promise<void>((resolve) => server.listen(() => resolve()));
    const { port } = server.unwrap<{ address(): AddressInfo }>().address();
    socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const message = `{"pattern":"${pattern}","data":{},"id":"1"}`;
    socket.write(`${message.length}#${message}`);
  };

  it('sends nothing more to a caller that does not read until it does', async () => {
    let produced = 0;
    async function* events() {
      while (produced < EVENTS) {
        produced += 1;
        yield EVENT;
      }
    }
    const subscription = { signal: new AbortController().signal, done: () => undefined };
    server.addHandler('large', async (_data: unknown, context: object) => streamOf(context, subscription, events));
    await call('large');
    socket.pause();
    await eventually(() => expect(produced).toBeGreaterThan(0));
    await setTimeout(500);
    const held = produced;
    expect(held).toBeLessThan(EVENTS / 4);
    await setTimeout(200);
    expect(produced).toBe(held);
    let received = 0;
    socket.on('data', (data) => (received += data.length)).resume();
    await eventually(() => expect(received).toBeGreaterThan(EVENTS * EVENT.length));
    expect(produced).toBe(EVENTS);
  });

  it('sends pending responses before it closes', async () => {
    let isAsked = false;
    server.addHandler('slow', async () => {
      isAsked = true;
      return setTimeout(300, 'an answer');
    });
    await call('slow');
    const answer = once(socket, 'data');
    await eventually(() => expect(isAsked).toBe(true));
    await server.close();
    expect(String(await answer)).toContain('an answer');
  });
});
