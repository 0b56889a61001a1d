import { type NatsContext, ServerNats } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { ComfyUIError } from '../../../domain/errors';
import { toErrorBody } from '../../shared/errors/http-exceptions';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** The part of the connection that is used here. */
interface NatsConnection {
  readonly info?: { readonly max_payload: number };
  flush(): Promise<void>;
}

/** Nest's transport, with an error for responses that exceed the limit of NATS, and with backpressure. */
export class NatsServer extends ServerNats {
  protected override readonly logger = new TransportLogger();
  readonly #sendQueue = new SendQueue();

  override async close(): Promise<void> {
    await this.#sendQueue.sent();
    await super.close();
  }

  protected override handleRequest(
    context: NatsContext,
    produce: () => Promise<Observable<unknown>>,
    respond: Respond,
  ): void {
    const send: Respond = async (packet) => {
      const connection = this.unwrap<NatsConnection>();
      try {
        await respond(packet);
      } catch (error) {
        this.logger.error(error);
        await respond({ err: toErrorBody(tooLarge(connection)), isDisposed: true });
      }
      await connection.flush();
    };
    super.handleRequest(context, produce, this.#sendQueue.watched(context, send));
  }
}

function tooLarge({ info }: NatsConnection): ComfyUIError {
  const limit = info === undefined ? '' : ` of ${info.max_payload} bytes`;
  return new ComfyUIError('payload_too_large', `The response is over the limit of NATS${limit}: request less at once.`);
}
