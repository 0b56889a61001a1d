import { Callers } from './support/callers';
import { roundOf } from './support/dice';
import { useOneRig } from './support/rigs';
import type { CrashPoint } from './support/service-process';
import { until } from './support/until';

const { seed, dice } = roundOf(1);

const POINTS: [CrashPoint, number][] = [
  ['job-stored', 1],
  ['job-stored', 6],
  ['prompt-posted', 1],
  ['prompt-posted', 4],
  ['output-fetched', 1],
  ['output-fetched', 3],
  ['job-ended', 1],
  ['job-ended', 3],
];

describe(`kill -9 of the service (CHAOS_SEED=${seed})`, () => {
  const theRig = useOneRig();

  it.each(POINTS)('at %s, number %i, loses no job and breaks no promise to a caller', async (point, count) => {
    const rig = theRig();
    await rig.orders.submitAll(5, { seconds: 0.4 });
    await rig.service.crashAt(point, count);
    const callers = new Callers(rig.orders, dice, { count: 6, order: () => ({ seconds: 0.1, steps: 2 }) });
    expect(await rig.service.end()).toBe('SIGKILL');
    await rig.service.start();
    await callers.leave();
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('again and again, while it resumes the jobs before, loses nothing', async () => {
    const rig = theRig();
    await rig.orders.submitAll(12, { seconds: 0.5 });
    const running = async () => (await rig.service.jobs()).filter(({ status }) => status === 'running').length === 2;
    await until('two jobs run', running);
    await rig.service.kill();
    for (const count of [1, 2, 3]) {
      const starting = rig.service.spawn();
      await rig.service.crashAt('job-resumed', count);
      expect(await starting.end()).toBe('SIGKILL');
    }
    await rig.service.start();
    expect(await rig.audit.findings()).toEqual([]);
  });
});

describe(`a power cut (CHAOS_SEED=${seed})`, () => {
  const theRig = useOneRig();

  it.each<[CrashPoint, number]>([
    ['prompt-posted', 4],
    ['output-fetched', 4],
    ['job-ended', 4],
  ])('at %s, number %i, that ends all processes loses no job', async (point, count) => {
    const rig = theRig();
    await rig.service.crashAt(point, count);
    const callers = new Callers(rig.orders, dice, { count: 4, order: () => ({ seconds: 0.2, steps: 3 }) });
    expect(await rig.service.end()).toBe('SIGKILL');
    await Promise.all(rig.backends.map((backend) => backend.kill()));
    await Promise.all([rig.service, ...rig.backends].map((process) => process.start()));
    await callers.leave();
    expect(await rig.audit.findings({ unseenRuns: 1 })).toEqual([]);
  });
});
