import { Injectable } from '@nestjs/common';
import { TcpContext } from '@nestjs/microservices';
import { LRUCache } from 'lru-cache';
import { MAX_STREAM_NAME } from './unsubscribe.dto';

/** How long an unsubscription is remembered: it may overtake the request for its stream. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 10_000;

export interface StreamSubscription {
  /** Aborted when the caller has unsubscribed or disconnected. */
  readonly signal: AbortSignal;
  /** To be called when the stream has ended. */
  done(): void;
}

/**
 * The callers of streams. Over TCP, a closed connection ends the subscription; brokers do not report that, so callers send an
 * unsubscription with the name of their stream. The stream of a caller that crashes behind a broker ends with its job.
 */
@Injectable()
export class StreamSubscriptions {
  readonly #subscribed = new Map<string, AbortController>();
  readonly #unsubscribed = new LRUCache<string, true>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS });

  /** @param stream its name; without a name, or with a malformed one, only its connection can end it */
  add(context: object, stream: unknown): StreamSubscription {
    const name = isStreamName(stream) ? stream : undefined;
    const left = new AbortController();
    const socket = context instanceof TcpContext ? context.getSocketRef().netSocket : undefined;
    const leave = () => left.abort();
    // One connection carries any number of streams.
    socket?.setMaxListeners(0).once('close', leave);
    if (socket?.destroyed || (name !== undefined && this.#unsubscribed.has(name))) leave();
    if (name !== undefined) this.#subscribed.set(name, left);
    const done = () => {
      socket?.off('close', leave);
      if (name !== undefined && this.#subscribed.get(name) === left) this.#subscribed.delete(name);
    };
    return { signal: left.signal, done };
  }

  /** Ends the subscription, also one that is still to come. */
  abort(stream: string): void {
    this.#unsubscribed.set(stream, true);
    this.#subscribed.get(stream)?.abort();
  }
}

function isStreamName(stream: unknown): stream is string {
  return typeof stream === 'string' && stream !== '' && stream.length <= MAX_STREAM_NAME;
}
