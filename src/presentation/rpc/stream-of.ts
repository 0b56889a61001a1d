import { Observable, type Subscriber } from 'rxjs';
import { Backpressure } from './backpressure';
import type { StreamSubscription } from './stream-subscriptions';

type Events<T> = (signal: AbortSignal) => AsyncIterable<T>;

/**
 * Events as the observable that Nest expects, pulled one by one as the transport sends them: a slow reader skips intermediate
 * events. The signal is aborted when the caller leaves.
 */
export function streamOf<T>(context: object, subscription: StreamSubscription, events: Events<T>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const unsubscribed = new AbortController();
    const signal = AbortSignal.any([subscription.signal, unsubscribed.signal]);
    void pour(events(signal), subscriber, Backpressure.of(context), signal);
    return () => {
      unsubscribed.abort();
      subscription.done();
    };
  });
}

async function pour<T>(
  events: AsyncIterable<T>,
  subscriber: Subscriber<T>,
  backpressure: Backpressure | undefined,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of events) {
      backpressure?.queued();
      subscriber.next(event);
      await backpressure?.drained(signal);
      if (signal.aborted) break;
    }
    subscriber.complete();
  } catch (error) {
    subscriber.error(error);
  }
}
