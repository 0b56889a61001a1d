import { setImmediate } from 'node:timers/promises';
import { WeightedSemaphore } from '../../../src/shared/weighted-semaphore';

const NEVER = new AbortController().signal;

/** Who came in, in order, and how to let them go. */
function visitors(room: WeightedSemaphore) {
  const inside: string[] = [];
  const leave = new Map<string, () => void>();
  const come = (name: string, share: number, signal = NEVER) => {
    const coming = room.enter(share, signal).then((giveBack) => {
      inside.push(name);
      leave.set(name, giveBack);
    });
    coming.catch(() => undefined);
    return coming;
  };
  return { inside, come, leave: (name: string) => leave.get(name)?.() };
}

describe('a room', () => {
  it('takes in whom it has room for, the others in their turn', async () => {
    const { inside, come, leave } = visitors(new WeightedSemaphore(2));
    for (const name of ['a', 'b', 'c', 'd']) void come(name, 1);
    await setImmediate();
    expect(inside).toEqual(['a', 'b']);
    leave('b');
    await setImmediate();
    expect(inside).toEqual(['a', 'b', 'c']);
    leave('a');
    leave('c');
    await setImmediate();
    expect(inside).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets nobody overtake one that needs more', async () => {
    const { inside, come, leave } = visitors(new WeightedSemaphore(10));
    void come('half', 5);
    void come('large', 8);
    void come('small', 1);
    await setImmediate();
    expect(inside).toEqual(['half']);
    leave('half');
    await setImmediate();
    expect(inside).toEqual(['half', 'large', 'small']);
  });

  it('is all for one that needs more than there is', async () => {
    const { inside, come, leave } = visitors(new WeightedSemaphore(10));
    void come('huge', 1000);
    void come('small', 1);
    await setImmediate();
    expect(inside).toEqual(['huge']);
    leave('huge');
    await setImmediate();
    expect(inside).toEqual(['huge', 'small']);
  });

  it('forgets who goes while waiting, and lets in who fits then', async () => {
    const { inside, come, leave } = visitors(new WeightedSemaphore(10));
    const gone = new AbortController();
    void come('first', 5);
    const waiting = come('large', 8, gone.signal);
    void come('small', 1);
    await setImmediate();
    gone.abort(new Error('had enough'));
    await expect(waiting).rejects.toThrow('had enough');
    await setImmediate();
    expect(inside).toEqual(['first', 'small']);
    leave('first');
    await expect(come('late', 9)).resolves.toBeUndefined();
  });

  it('takes in nobody who is gone already', async () => {
    await expect(new WeightedSemaphore(1).enter(1, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it('refuses when the line is too long, until somebody leaves it', async () => {
    const { inside, come } = visitors(new WeightedSemaphore(1, 2));
    const gone = new AbortController();
    void come('a', 1);
    void come('b', 1, gone.signal);
    void come('c', 1);
    await expect(come('d', 1)).rejects.toThrow('Too many are waiting.');
    gone.abort();
    void come('e', 1);
    await expect(come('f', 1)).rejects.toThrow('Too many are waiting.');
    expect(inside).toEqual(['a']);
  });
});
