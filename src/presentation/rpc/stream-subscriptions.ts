import { Injectable, Logger } from '@nestjs/common';
import { TcpContext } from '@nestjs/microservices';
import { LRUCache } from 'lru-cache';
import { JobService } from '../../application/jobs/job.service';
import { toComfyUIError } from '../../domain/errors';
import { oneLine } from '../../shared/text';

/** How long it is remembered that a caller left: the word of it may overtake its request. */
const REMEMBERED_MS = 60_000;
const REMEMBERED = 10_000;

/** One who listens to a stream. */
export interface Caller {
  /** Aborted when it is known to have left. */
  readonly gone: AbortSignal;
  /** The stream is over. */
  done(): void;
}

/**
 * Who listens to streams. Over TCP a closed connection tells that a caller left; brokers tell nothing, so callers say it
 * themselves, by the name they gave the stream. One that dies behind a broker is not missed: its stream ends with its job.
 */
@Injectable()
export class StreamSubscriptions {
  readonly #logger = new Logger(StreamSubscriptions.name);
  readonly #listening = new Map<string, AbortController>();
  readonly #left = new LRUCache<string, true>({ max: REMEMBERED, ttl: REMEMBERED_MS });

  constructor(private readonly jobs: JobService) {}

  listens(context: object, stream: string | undefined): Caller {
    const gone = new AbortController();
    const socket = context instanceof TcpContext ? context.getSocketRef().netSocket : undefined;
    const leave = () => gone.abort();
    // One connection carries any number of streams.
    socket?.setMaxListeners(0).once('close', leave);
    if (socket?.destroyed || (stream !== undefined && this.#left.has(stream))) leave();
    if (stream !== undefined) this.#listening.set(stream, gone);
    const done = () => {
      socket?.off('close', leave);
      if (stream !== undefined && this.#listening.get(stream) === gone) this.#listening.delete(stream);
    };
    return { gone: gone.signal, done };
  }

  left(stream: string): void {
    this.#left.set(stream, true);
    this.#listening.get(stream)?.abort();
  }

  /** Cancels the job of a caller that left and wants it so. Never rejects: nobody is there to be told. */
  async cancel(id: string): Promise<void> {
    try {
      await this.jobs.cancel(id);
    } catch (error) {
      this.#logger.warn(`Job ${id} could not be canceled: ${oneLine(toComfyUIError(error).message)}`);
    }
  }
}
