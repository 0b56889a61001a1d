import { type RmqContext, ServerRMQ, type OutgoingResponse } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** Nest's transport, which waits until RabbitMQ has accepted a response, and survives a failed send. */
export class RmqServer extends ServerRMQ {
  protected override readonly logger = new TransportLogger();
  readonly #sendQueue = new SendQueue();

  override async close(): Promise<void> {
    await this.#sendQueue.sent();
    await super.close();
  }

  // oxlint-disable-next-line typescript/no-misused-promises -- Nest awaits the value that its `publish` returns, which is this promise.
  override async sendMessage(message: unknown, replyTo: unknown, correlationId: string): Promise<void> {
    const { options, ...packet } = this.serializer.serialize(message as OutgoingResponse) as {
      readonly options?: object;
    };
    await this.channel?.sendToQueue(replyTo, Buffer.from(JSON.stringify(packet)), { correlationId, ...options });
  }

  protected override handleRequest(
    context: RmqContext,
    produce: () => Promise<Observable<unknown>>,
    respond: Respond,
  ): void {
    super.handleRequest(context, produce, this.#sendQueue.watched(context, respond));
  }
}
