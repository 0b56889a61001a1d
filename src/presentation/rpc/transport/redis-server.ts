import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type RedisContext, ServerRedis } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { isObject } from '../../../shared/json';
import { SendQueue, type Respond } from './send-queue';
import { TransportLogger } from './transport-logger';

/** As far as we use ioredis' client. */
interface RedisClient {
  readonly status: string;
  set(key: string, value: string, unit: 'EX', seconds: number, condition: 'NX'): Promise<'OK' | null>;
  quit(): Promise<unknown>;
  disconnect(): void;
}

/** Much longer than a message is under way. */
const CLAIM_SECONDS = 60;
const QUIT_MS = 1_000;

/** Nest's, but replicas share the work: Redis tells every subscriber everything, so each call is claimed by one. */
export class RedisServer extends ServerRedis {
  protected override readonly logger = new TransportLogger();
  readonly #outgoing = new SendQueue();

  /** The first error of a connection says why; the last only that it is closed. */
  override async listen(callback: (error?: unknown) => void): Promise<void> {
    let reason: unknown;
    this.on('error', (_client: unknown, error: unknown) => (reason ??= error));
    await super.listen((error) => callback(error && (reason ?? error)));
  }

  override async close(): Promise<void> {
    await this.#outgoing.sent();
    this.isManuallyClosed = true;
    const clients = [this.pubClient, this.subClient] as readonly (RedisClient | undefined)[];
    await Promise.all(clients.map(closed));
  }

  override async handleMessage(channel: string, text: string, pub: RedisClient, pattern: string): Promise<void> {
    const message: unknown = super.parseMessage(text);
    if (isObject(message) && message.id !== undefined && !(await isClaimed(pub, message.id))) return;
    await super.handleMessage(channel, message as string, pub, pattern);
  }

  /** Parsed already. */
  override parseMessage(message: never): never {
    return message;
  }

  protected override handleRequest(
    context: RedisContext,
    produce: () => Promise<Observable<unknown>>,
    respond: Respond,
  ): void {
    super.handleRequest(context, produce, this.#outgoing.watched(context, respond));
  }
}

/** Of the replicas that hear a call, the one that sets its key first has it. */
async function isClaimed(redis: RedisClient, id: unknown): Promise<boolean> {
  const key = createHash('sha256').update(JSON.stringify(id)).digest('base64url');
  return (await redis.set(`comfyui:rpc:${key}`, '', 'EX', CLAIM_SECONDS, 'NX')) === 'OK';
}

/** One that is not connected would wait for its connection to say goodbye. */
async function closed(client: RedisClient | undefined): Promise<void> {
  if (client?.status === 'ready')
    await Promise.race([client.quit().catch(() => undefined), setTimeout(QUIT_MS, undefined, { ref: false })]);
  client?.disconnect();
}
