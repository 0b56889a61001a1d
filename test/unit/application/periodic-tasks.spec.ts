import { Logger } from '@nestjs/common';
import { PeriodicTasks } from '../../../src/application/maintenance/periodic-tasks';
import { ShutdownState } from '../../../src/application/maintenance/shutdown-state';
import { Condition } from '../../../src/shared/condition';
import { eventually } from '../../support/eventually';

const HOUR = 3_600_000;

let shutdown: ShutdownState;
let errors: string[];

beforeEach(() => {
  shutdown = new ShutdownState();
  errors = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((message: unknown) => void errors.push(String(message)));
});

afterEach(() => {
  shutdown.end();
  jest.restoreAllMocks();
});

/** A task that counts its runs, each of which may be made to fail. */
function counting(options: { isLeader?: boolean; interval?: number; wakeUp?: Condition; leaderOnly?: boolean } = {}) {
  const { isLeader = true, interval = 1, ...rest } = options;
  const leadership = { isLeader };
  const task = { runs: 0, failure: undefined as Error | undefined };
  const run = async () => {
    task.runs += 1;
    if (task.failure) throw task.failure;
  };
  new PeriodicTasks(shutdown, leadership).start({ failure: 'The task failed', interval, ...rest, run });
  return { task, leadership };
}

describe('a periodic task', () => {
  it('repeats until the shutdown', async () => {
    const { task } = counting();
    await eventually(() => expect(task.runs).toBeGreaterThan(3));
    shutdown.end();
    await new Promise(setImmediate);
    const { runs } = task;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(task.runs).toBe(runs);
  });

  it('goes on after a failure, which is logged once until a run succeeds', async () => {
    const { task } = counting();
    task.failure = new Error('no');
    const { runs } = task;
    await eventually(() => expect(task.runs).toBeGreaterThan(runs + 3));
    expect(errors).toHaveLength(1);
    task.failure = undefined;
    const failed = task.runs;
    await eventually(() => expect(task.runs).toBeGreaterThan(failed + 1));
    task.failure = new Error('again');
    await eventually(() => expect(errors).toHaveLength(2));
    expect(errors[0]).toMatch(/^The task failed: /);
  });

  it('runs at once when its condition is notified, also during a run', async () => {
    const wakeUp = new Condition();
    const { task } = counting({ interval: HOUR, wakeUp });
    expect(task.runs).toBe(1);
    wakeUp.notifyAll();
    await eventually(() => expect(task.runs).toBe(2));
    wakeUp.notifyAll();
    await eventually(() => expect(task.runs).toBe(3));
  });

  it('of the leader runs only while this process is the leader', async () => {
    const { task, leadership } = counting({ isLeader: false, leaderOnly: true });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(task.runs).toBe(0);
    leadership.isLeader = true;
    await eventually(() => expect(task.runs).toBeGreaterThan(1));
  });
});
