import { Observable, type Subscriber } from 'rxjs';
import type { Caller } from './stream-subscriptions';
import { Backpressure } from './backpressure';

type Events<T> = (signal: AbortSignal) => AsyncIterable<T>;

/**
 * Events as Nest wants them, asked for one by one as the transport sends them: who reads slowly skips what may be skipped.
 * They are broken off when the caller leaves.
 */
export function streamOf<T>(context: object, caller: Caller, events: Events<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const unsubscribed = new AbortController();
    const signal = AbortSignal.any([caller.gone, unsubscribed.signal]);
    void pour(events(signal), subscriber, Backpressure.of(context), signal);
    return () => {
      unsubscribed.abort();
      caller.done();
    };
  });
}

async function pour<T>(
  events: AsyncIterable<T>,
  subscriber: Subscriber<T>,
  pace: Backpressure | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of events) {
      pace?.told();
      subscriber.next(event);
      await pace?.caughtUp(signal);
      if (signal.aborted) break;
    }
    subscriber.complete();
  } catch (error) {
    subscriber.error(error);
  }
}
