import type { Socket } from 'node:net';
import { ServerTCP, type TcpContext } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** Nest's, which writes no faster than the caller reads, and closes when all is written. */
export class TcpServer extends ServerTCP {
  protected override readonly logger = new TransportLogger();
  readonly #outgoing = new SendQueue();

  // oxlint-disable-next-line typescript/no-misused-promises -- Nest waits for it, whatever its type says.
  override async close(): Promise<void> {
    await this.#outgoing.sent();
    super.close();
  }

  /** One connection carries any number of answers, and each may wait. */
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
    super.handleRequest(context, produce, this.#outgoing.watched(context, send));
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
