import { setTimeout } from 'node:timers/promises';
import { roundOf } from './support/dice';
import type { Fleet } from './support/fleet';
import { describeFleet, useOneFleet } from './support/fleets';
import { Viewer } from './support/viewer';

const JOBS = 500;
const CALLERS = 10;
const VIEWED = 40;

const { seed, dice } = roundOf(1);
/** Every order is repeated until it is accepted; some jobs have a viewer from then on. */
async function submitAll(fleet: Fleet, viewers: Viewer[], ends: Promise<unknown>[]): Promise<void> {
  let left = JOBS;
  const caller = async () => {
    while (left-- > 0) {
      const order = fleet.orders.add({ seconds: 0.2, steps: 2 });
      await fleet.orders.insist(order, 'later');
      if (!dice.chance(VIEWED / JOBS)) continue;
      const viewer = new Viewer(fleet.front, order.jobId!);
      viewers.push(viewer);
      ends.push(viewer.end());
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

/** Kills a process or server and starts it again after a moment. */
async function strike(one: { kill(): Promise<void>; start(): Promise<void> }): Promise<void> {
  await setTimeout(dice.between(500, 2_500));
  await one.kill();
  await setTimeout(dice.between(200, 2_000));
  await one.start();
}

describeFleet('api x 2 and worker x 2', () => {
  const theFleet = useOneFleet();

  it(`${JOBS} jobs end correctly, and viewers receive their ends, while each process and server fails in turn (CHAOS_SEED=${seed})`, async () => {
    const fleet = theFleet();
    const [viewers, ends]: [Viewer[], Promise<unknown>[]] = [[], []];
    const submitted = submitAll(fleet, viewers, ends);
    for (const one of [fleet.workers[0]!, fleet.redis!, fleet.apis[1]!, fleet.postgres, fleet.workers[1]!])
      await strike(one);
    await submitted;
    const findings = await fleet.audit.findings({
      withinMs: 90_000,
      replays: 20,
      unseenRuns: 1,
      mayProgressGoBack: true,
    });
    await Promise.all(ends);
    expect([...findings, ...viewers.flatMap((viewer) => viewer.findings)]).toEqual([]);
    expect(fleet.orders.accepted).toHaveLength(JOBS);
    expect(viewers.length).toBeGreaterThan(VIEWED / 2);
    expect(viewers.some(({ connections }) => connections > 1)).toBe(true);
  });
});
