import { type RmqContext, ServerRMQ, type OutgoingResponse } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** Nest's, which waits until RabbitMQ has an answer, and survives that it can not be sent. */
export class RmqServer extends ServerRMQ {
  protected override readonly logger = new TransportLogger();
  readonly #outgoing = new SendQueue();

  override async close(): Promise<void> {
    await this.#outgoing.sent();
    await super.close();
  }

  // oxlint-disable-next-line typescript/no-misused-promises -- Nest waits for what its `publish` returns, which is this.
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
    super.handleRequest(context, produce, this.#outgoing.watched(context, respond));
  }
}
