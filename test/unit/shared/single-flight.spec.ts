import { SingleFlight } from '../../../src/shared/single-flight';

function controlled() {
  const runs: ((value: number | Error) => void)[] = [];
  const flight = new SingleFlight<string, number>();
  const work = () =>
    new Promise<number>((resolve, reject) => {
      runs.push((value) => (value instanceof Error ? reject(value) : resolve(value)));
    });
  const join = (key = 'a') => flight.join(key, work);
  const joinNext = (key = 'a') => flight.joinNext(key, work);
  return { join, joinNext, runs };
}

const turn = () => new Promise(setImmediate);

describe('joining a run', () => {
  it('shares one run among overlapping calls of a key', async () => {
    const { join, runs } = controlled();
    const calls = [join(), join(), join('b')];
    expect(runs).toHaveLength(2);
    runs[0]?.(1);
    runs[1]?.(2);
    expect(await Promise.all(calls)).toEqual([1, 1, 2]);
  });

  it('starts another run once one has ended, whether it failed or not', async () => {
    const { join, runs } = controlled();
    const failed = join();
    runs[0]?.(new Error('down'));
    await expect(failed).rejects.toThrow('down');
    const next = join();
    runs[1]?.(2);
    expect(await next).toBe(2);
  });
});

describe('joining the next run', () => {
  it('shares a run that starts after the calls', async () => {
    const { joinNext, runs } = controlled();
    const first = joinNext();
    const later = [joinNext(), joinNext()];
    expect(runs).toHaveLength(1);
    runs[0]?.(1);
    expect(await first).toBe(1);
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]?.(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
  });

  it('starts although the run before failed', async () => {
    const { joinNext, runs } = controlled();
    const first = joinNext();
    const next = joinNext();
    runs[0]?.(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await turn();
    runs[1]?.(2);
    expect(await next).toBe(2);
    void joinNext();
    expect(runs).toHaveLength(3);
  });
});
