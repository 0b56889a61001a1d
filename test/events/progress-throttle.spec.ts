import type { Job } from '../../src/domain/job/job';
import { ProgressThrottle } from '../../src/infrastructure/event-bus/postgres/progress-throttle';
import { collected } from '../support/collected';
import { ended, later, runningJob } from './snapshots';

describe('ProgressThrottle', () => {
  let passed: Job[];
  let throttle: ProgressThrottle;

  beforeEach(() => {
    jest.useFakeTimers();
    passed = [];
    throttle = new ProgressThrottle((job) => passed.push(job));
  });

  afterEach(() => jest.useRealTimers());

  it('passes on the last progress of each interval, and always the last one', () => {
    const job = runningJob();
    const steps = Array.from({ length: 121 }, (_, by) => later(job, by));
    for (const step of steps) {
      throttle.publish(step);
      jest.advanceTimersByTime(1);
    }
    jest.runAllTimers();
    const revisions = passed.map(({ revision }) => revision - job.revision);
    expect(revisions).toEqual([0, 49, 99, 120]);
  });

  it('passes on progress at once after an interval without any', () => {
    const job = runningJob();
    throttle.publish(job);
    jest.advanceTimersByTime(50);
    throttle.publish(later(job));
    expect(passed).toEqual([job, later(job)]);
  });

  it('passes on any other change at once, and no older progress after it', () => {
    const job = runningJob();
    for (const changed of [ended(later(job)), { ...later(job, 2), outputs: [collected()] }]) {
      throttle.publish(job);
      throttle.publish(later(job));
      throttle.publish(changed);
      expect(passed.at(-1)).toBe(changed);
      jest.runAllTimers();
      expect(passed.at(-1)).toBe(changed);
    }
  });

  it('delays each job by its own progress', () => {
    const [one, other] = [runningJob(), runningJob()];
    throttle.publish(one);
    throttle.publish(later(one));
    throttle.publish(other);
    expect(passed).toEqual([one, other]);
  });

  it('passes on at once what is delayed when it is flushed', () => {
    const job = runningJob();
    throttle.publish(job);
    throttle.publish(later(job));
    throttle.flush();
    jest.runAllTimers();
    expect(passed).toEqual([job, later(job)]);
  });
});
