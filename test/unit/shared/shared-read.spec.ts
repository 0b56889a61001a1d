import { SharedRead } from '../../../src/shared/shared-read';

function controlled() {
  const reads: ((value: number | Error) => void)[] = [];
  const shared = new SharedRead(
    () =>
      new Promise<number>((resolve, reject) => {
        reads.push((value) => (value instanceof Error ? reject(value) : resolve(value)));
      }),
  );
  return { shared, reads };
}

const turn = () => new Promise(setImmediate);

describe('SharedRead', () => {
  it('gives who asks during a read the next one, shared', async () => {
    const { shared, reads } = controlled();
    const first = shared.get();
    const later = [shared.get(), shared.get()];
    expect(reads).toHaveLength(1);
    reads[0]?.(1);
    expect(await first).toBe(1);
    await turn();
    expect(reads).toHaveLength(2);
    reads[1]?.(2);
    expect(await Promise.all(later)).toEqual([2, 2]);
  });

  it('goes on after a failure', async () => {
    const { shared, reads } = controlled();
    const first = shared.get();
    const next = shared.get();
    reads[0]?.(new Error('down'));
    await expect(first).rejects.toThrow('down');
    await turn();
    reads[1]?.(2);
    expect(await next).toBe(2);
    void shared.get();
    expect(reads).toHaveLength(3);
  });
});
