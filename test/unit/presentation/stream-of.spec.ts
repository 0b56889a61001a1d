import { setImmediate } from 'node:timers/promises';
import { Backpressure } from '../../../src/presentation/rpc/backpressure';
import { streamOf } from '../../../src/presentation/rpc/stream-of';

const caller = () => {
  const gone = new AbortController();
  let isDone = false;
  const done = () => void (isDone = true);
  return { gone, caller: { gone: gone.signal, done }, isDone: () => isDone };
};

/** Counts, for ever, and says how far it was asked. */
function counting() {
  const counter = { asked: 0, isOver: false };
  async function* events() {
    try {
      for (;;) yield (counter.asked += 1);
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
  it('is asked for the next event when the last went out, and not before', async () => {
    const context = {};
    const pace = new Backpressure(context);
    const { counter, events } = counting();
    const told: number[] = [];
    const subscription = streamOf(context, caller().caller, events).subscribe((event) => told.push(event));
    await ticks();
    expect({ told, asked: counter.asked }).toEqual({ told: [1], asked: 1 });
    pace.sent();
    await ticks();
    expect(told).toEqual([1, 2]);
    subscription.unsubscribe();
    await ticks();
    expect(counter).toEqual({ asked: 2, isOver: true });
  });

  it('ends when the caller leaves, also while the last event waits', async () => {
    const context = {};
    const pace = new Backpressure(context);
    const { counter, events } = counting();
    const { gone, caller: left, isDone } = caller();
    let isComplete = false;
    streamOf(context, left, events).subscribe({ complete: () => void (isComplete = true) });
    await ticks();
    gone.abort();
    await ticks();
    expect({ ...counter, isComplete, isDone: isDone() }).toEqual({
      asked: 1,
      isOver: true,
      isComplete: true,
      isDone: true,
    });
    pace.sent();
  });

  it('fails with what the events fail with', async () => {
    const failing = async function* () {
      yield 1;
      throw new Error('lost');
    };
    const { caller: somebody, isDone } = caller();
    const error = await new Promise((resolve) => streamOf({}, somebody, failing).subscribe({ error: resolve }));
    expect(error).toEqual(new Error('lost'));
    expect(isDone()).toBe(true);
  });
});
