import { PRIORITY_STEP_MS } from '../../src/application/jobs/job-queue';
import { bandOf } from '../../src/infrastructure/queue/bands';

describe('the band of a ticket', () => {
  const now = 1_000_000_000;
  const band = (priority: number, steps = 0) => bandOf({ priority, queuedAt: now - steps * PRIORITY_STEP_MS }, now);

  it('is by priority: the higher the sooner', () => {
    expect([100, 1, 0, -1, -100].map((priority) => band(priority))).toEqual([1, 100, 101, 102, 201]);
  });

  it('moves towards the front by one for each step of waiting, no further', () => {
    expect([0, 0.99, 1, 1.5, 100, 101, 1e6].map((steps) => band(0, steps))).toEqual([101, 101, 100, 100, 1, 1, 1]);
    expect([0, 199, 200, 201].map((steps) => band(-100, steps))).toEqual([201, 2, 1, 1]);
  });

  it('is no worse than that of its priority when the clocks of two machines differ', () => {
    expect(band(0, -50)).toBe(101);
  });
});
