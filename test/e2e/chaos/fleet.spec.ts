import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import { describeSharing } from './fleet-sharing.contract';
import { Callers } from './support/callers';
import { roundOf } from './support/dice';
import type { Fleet } from './support/fleet';
import { describeFleet, useOneFleet } from './support/fleets';
import { Viewer } from './support/viewer';

const { seed, dice } = roundOf(1);

/** No lease can be renewed in that time. @returns its begin and end */
async function lockLeases({ postgres }: Fleet, ms: number): Promise<[number, number]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query('begin; lock table comfyui.lease_holders');
    const lockedAt = Date.now();
    await setTimeout(ms);
    const freeAt = Date.now();
    await client.query('commit');
    return [lockedAt, freeAt];
  } finally {
    await client.end();
  }
}

describeFleet(`api x 2 and worker x 2 on PostgreSQL and Redis (CHAOS_SEED=${seed})`, () => {
  const theFleet = useOneFleet();
  describeSharing(theFleet);

  it('send each step of a job that runs in another process to its viewers', async () => {
    const order = await theFleet().orders.submit({ seconds: 2.5, steps: 20 });
    const viewer = new Viewer(theFleet().front, order.jobId!);
    await viewer.end();
    const steps = new Set(viewer.events.filter(({ event }) => event === 'progress').map(({ data }) => data.step));
    expect(steps.size).toBeGreaterThan(12);
    expect(await theFleet().audit.findings()).toEqual([]);
  });

  it('lose nothing when a worker is killed: another acquires its leases', async () => {
    const fleet = theFleet();
    await fleet.orders.submitAll(40, { seconds: 0.5 });
    await setTimeout(dice.between(500, 1_500));
    await fleet.workers[0]!.kill();
    expect(await fleet.audit.findings({ withinMs: 40_000 })).toEqual([]);
    await fleet.workers[0]!.start();
  });

  it('lose nothing when a worker is frozen for longer than its leases last', async () => {
    const fleet = theFleet();
    await fleet.orders.submitAll(60, { seconds: 0.8 });
    await setTimeout(dice.between(500, 1_500));
    fleet.workers[1]!.signal('SIGSTOP');
    await setTimeout(14_000);
    fleet.workers[1]!.signal('SIGCONT');
    expect(await fleet.audit.findings({ withinMs: 40_000, unseenRuns: 1 })).toEqual([]);
  });

  it('lose nothing when a worker shuts down: others continue at once', async () => {
    const fleet = theFleet();
    await fleet.orders.submitAll(30, { seconds: 0.5 });
    await setTimeout(dice.between(500, 1_500));
    fleet.workers[0]!.terminate();
    expect(await fleet.workers[0]!.end()).toBe(0);
    expect(await fleet.audit.findings({ withinMs: 15_000 })).toEqual([]);
    await fleet.workers[0]!.start();
  });

  it('assign no jobs while leases cannot be renewed for 7 s, and continue afterwards', async () => {
    const fleet = theFleet();
    const orders = await fleet.orders.submitAll(140, { seconds: 0.3 });
    await setTimeout(1_000);
    const [lockedAt, freeAt] = await lockLeases(fleet, 9_500);
    expect(await fleet.audit.findings({ withinMs: 40_000 })).toEqual([]);
    const jobs = await Promise.all(orders.map(({ jobId }) => fleet.front.job(jobId!)));
    const handed = jobs.map(({ attempts }) => Date.parse(attempts[0]!.handedAt));
    const after = (from: number, to: number) => handed.filter((at) => at >= from && at < to);
    expect(after(lockedAt, lockedAt + 4_500).length).toBeGreaterThan(20);
    expect(after(lockedAt + 7_100, freeAt)).toEqual([]);
    expect(after(freeAt, Infinity).length).toBeGreaterThan(10);
  });

  it('lose nothing when PostgreSQL restarts', async () => {
    const fleet = theFleet();
    const callers = new Callers(fleet.orders, dice, {
      count: 6,
      order: () => ({ seconds: 0.2, steps: 2 }),
    });
    await setTimeout(1_500);
    await fleet.postgres.kill();
    await setTimeout(1_000);
    await fleet.postgres.start();
    await setTimeout(2_000);
    await callers.leave();
    expect(await fleet.audit.findings({ withinMs: 40_000, unseenRuns: 1 })).toEqual([]);
  });

  it('continue without Redis, from the database', async () => {
    const fleet = theFleet();
    await fleet.redis!.kill();
    try {
      await fleet.orders.submitAll(12, { seconds: 0.3, steps: 2 });
      expect(await fleet.audit.findings({ withinMs: 8_000 })).toEqual([]);
    } finally {
      await fleet.redis!.start();
    }
  });
});
