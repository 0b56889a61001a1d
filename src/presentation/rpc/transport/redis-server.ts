import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type RedisContext, ServerRedis } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { isObject } from '../../../shared/json';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** The part of ioredis' client that is used here. */
interface RedisClient {
  readonly status: string;
  set(key: string, value: string, unit: 'EX', seconds: number, condition: 'NX'): Promise<'OK' | null>;
  quit(): Promise<unknown>;
  disconnect(): void;
}

/** Much longer than the delivery of a message takes. */
const CLAIM_SECONDS = 60;
const QUIT_MS = 1_000;

/** Nest's transport, with shared work: Redis delivers each message to every replica, and one of them claims it. */
export class RedisServer extends ServerRedis {
  protected override readonly logger = new TransportLogger();
  readonly #sendQueue = new SendQueue();

  /** The first error of a connection has the reason; the last says only that it is closed. */
  override async listen(callback: (error?: unknown) => void): Promise<void> {
    let reason: unknown;
    this.on('error', (_client: unknown, error: unknown) => (reason ??= error));
    await super.listen((error) => callback(error && (reason ?? error)));
  }

  override async close(): Promise<void> {
    await this.#sendQueue.sent();
    this.isManuallyClosed = true;
    const clients = [this.pubClient, this.subClient] as readonly (RedisClient | undefined)[];
    await Promise.all(clients.map(closed));
  }

  override async handleMessage(channel: string, text: string, pub: RedisClient, pattern: string): Promise<void> {
    const message: unknown = super.parseMessage(text);
    if (isObject(message) && message.id !== undefined && !(await isClaimed(pub, message.id))) return;
    await super.handleMessage(channel, message as string, pub, pattern);
  }

  /** Already parsed by {@link handleMessage}. */
  override parseMessage(message: never): never {
    return message;
  }

  protected override handleRequest(
    context: RedisContext,
    produce: () => Promise<Observable<unknown>>,
    respond: Respond,
  ): void {
    super.handleRequest(context, produce, this.#sendQueue.watched(context, respond));
  }
}

/** The replica that sets the key of a message first has claimed it. */
async function isClaimed(redis: RedisClient, id: unknown): Promise<boolean> {
  const key = createHash('sha256').update(JSON.stringify(id)).digest('base64url');
  return (await redis.set(`comfyui:rpc:${key}`, '', 'EX', CLAIM_SECONDS, 'NX')) === 'OK';
}

/** `QUIT` on a client without a connection would wait for one. */
async function closed(client: RedisClient | undefined): Promise<void> {
  if (client?.status === 'ready')
    await Promise.race([client.quit().catch(() => undefined), setTimeout(QUIT_MS, undefined, { ref: false })]);
  client?.disconnect();
}
