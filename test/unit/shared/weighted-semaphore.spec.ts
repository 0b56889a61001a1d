import { setImmediate } from 'node:timers/promises';
import { WeightedSemaphore } from '../../../src/shared/weighted-semaphore';

const NEVER = new AbortController().signal;

/** Records the operations that entered, in order, and releases them by name. */
function operations(semaphore: WeightedSemaphore) {
  const entered: string[] = [];
  const releases = new Map<string, () => void>();
  const enter = (name: string, weight: number, signal = NEVER) => {
    const entering = semaphore.enter(weight, signal).then((release) => {
      entered.push(name);
      releases.set(name, release);
    });
    entering.catch(() => undefined);
    return entering;
  };
  return { entered, enter, release: (name: string) => releases.get(name)?.() };
}

describe('WeightedSemaphore', () => {
  it('admits operations up to its capacity, the others in the order of their calls', async () => {
    const { entered, enter, release } = operations(new WeightedSemaphore(2));
    for (const name of ['a', 'b', 'c', 'd']) void enter(name, 1);
    await setImmediate();
    expect(entered).toEqual(['a', 'b']);
    release('b');
    await setImmediate();
    expect(entered).toEqual(['a', 'b', 'c']);
    release('a');
    release('c');
    await setImmediate();
    expect(entered).toEqual(['a', 'b', 'c', 'd']);
  });

  it('does not let a lighter operation overtake a heavier one', async () => {
    const { entered, enter, release } = operations(new WeightedSemaphore(10));
    void enter('half', 5);
    void enter('large', 8);
    void enter('small', 1);
    await setImmediate();
    expect(entered).toEqual(['half']);
    release('half');
    await setImmediate();
    expect(entered).toEqual(['half', 'large', 'small']);
  });

  it('gives an operation heavier than its capacity all of it', async () => {
    const { entered, enter, release } = operations(new WeightedSemaphore(10));
    void enter('huge', 1000);
    void enter('small', 1);
    await setImmediate();
    expect(entered).toEqual(['huge']);
    release('huge');
    await setImmediate();
    expect(entered).toEqual(['huge', 'small']);
  });

  it('removes an aborted waiter and admits those that fit then', async () => {
    const { entered, enter, release } = operations(new WeightedSemaphore(10));
    const controller = new AbortController();
    void enter('first', 5);
    const waiting = enter('large', 8, controller.signal);
    void enter('small', 1);
    await setImmediate();
    controller.abort(new Error('aborted'));
    await expect(waiting).rejects.toThrow('aborted');
    await setImmediate();
    expect(entered).toEqual(['first', 'small']);
    release('first');
    await expect(enter('late', 9)).resolves.toBeUndefined();
  });

  it('rejects if the signal has already aborted', async () => {
    await expect(new WeightedSemaphore(1).enter(1, AbortSignal.abort(new Error('aborted')))).rejects.toThrow('aborted');
  });

  it('rejects if too many operations wait, until one of them aborts', async () => {
    const { entered, enter } = operations(new WeightedSemaphore(1, 2));
    const controller = new AbortController();
    void enter('a', 1);
    void enter('b', 1, controller.signal);
    void enter('c', 1);
    await expect(enter('d', 1)).rejects.toThrow('Too many operations are waiting.');
    controller.abort();
    void enter('e', 1);
    await expect(enter('f', 1)).rejects.toThrow('Too many operations are waiting.');
    expect(entered).toEqual(['a']);
  });
});
