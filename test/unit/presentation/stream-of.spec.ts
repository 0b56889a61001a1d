import { setImmediate } from 'node:timers/promises';
import { Backpressure } from '../../../src/presentation/rpc/backpressure';
import { streamOf } from '../../../src/presentation/rpc/stream-of';

const newSubscription = () => {
  const left = new AbortController();
  let isDone = false;
  const done = () => void (isDone = true);
  return { left, subscription: { signal: left.signal, done }, isDone: () => isDone };
};

/** An endless stream of numbers, with the number of those that were pulled. */
function counting() {
  const counter = { pulled: 0, isOver: false };
  async function* events() {
    try {
      for (;;) yield (counter.pulled += 1);
    } finally {
      counter.isOver = true;
    }
  }
  return { counter, events };
}

const ticks = async (count = 20) => {
  for (let tick = 0; tick < count; tick += 1) await setImmediate();
};

describe('a stream', () => {
  it('is pulled for the next event when the last was sent, and not before', async () => {
    const context = {};
    const backpressure = new Backpressure(context);
    const { counter, events } = counting();
    const received: number[] = [];
    const subscription = streamOf(context, newSubscription().subscription, events).subscribe((event) =>
      received.push(event),
    );
    await ticks();
    expect({ received, pulled: counter.pulled }).toEqual({ received: [1], pulled: 1 });
    backpressure.sent();
    await ticks();
    expect(received).toEqual([1, 2]);
    subscription.unsubscribe();
    await ticks();
    expect(counter).toEqual({ pulled: 2, isOver: true });
  });

  it('ends when the caller leaves, also while the last event waits', async () => {
    const context = {};
    const backpressure = new Backpressure(context);
    const { counter, events } = counting();
    const { left, subscription, isDone } = newSubscription();
    let isComplete = false;
    streamOf(context, subscription, events).subscribe({ complete: () => void (isComplete = true) });
    await ticks();
    left.abort();
    await ticks();
    expect({ ...counter, isComplete, isDone: isDone() }).toEqual({
      pulled: 1,
      isOver: true,
      isComplete: true,
      isDone: true,
    });
    backpressure.sent();
  });

  it('fails with what the events fail with', async () => {
    const failing = async function* () {
      yield 1;
      throw new Error('lost');
    };
    const { subscription, isDone } = newSubscription();
    const error = await new Promise((resolve) => streamOf({}, subscription, failing).subscribe({ error: resolve }));
    expect(error).toEqual(new Error('lost'));
    expect(isDone()).toBe(true);
  });
});
