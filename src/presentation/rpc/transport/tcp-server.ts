import type { Socket } from 'node:net';
import { ServerTCP, type TcpContext } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** Nest's transport, with backpressure, which closes when every response is written. */
export class TcpServer extends ServerTCP {
  protected override readonly logger = new TransportLogger();
  readonly #sendQueue = new SendQueue();

  // oxlint-disable-next-line typescript/no-misused-promises -- Nest awaits it, although its type says void.
  override async close(): Promise<void> {
    await this.#sendQueue.sent();
    super.close();
  }

  /** One connection carries any number of responses, and each may wait for its drain. */
  override bindHandler(socket: Socket): void {
    super.bindHandler(socket.setMaxListeners(0));
  }

  protected override handleRequest(
    context: TcpContext,
    produce: () => Promise<Observable<unknown>>,
    respond: Respond,
  ): void {
    const socket = context.getSocketRef().netSocket;
    const send: Respond = async (packet) => {
      await respond(packet);
      if (socket.writableNeedDrain) await drained(socket);
    };
    super.handleRequest(context, produce, this.#sendQueue.watched(context, send));
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      socket.off('drain', wake).off('close', wake);
      resolve();
    };
    socket.on('drain', wake).on('close', wake);
    if (socket.closed) wake();
  });
}
