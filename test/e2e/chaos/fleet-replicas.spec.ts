import { setTimeout } from 'node:timers/promises';
import { describeSharing } from './fleet-sharing.contract';
import { Callers } from './support/callers';
import { roundOf } from './support/dice';
import { describeFleet, useOneFleet } from './support/fleets';
import { until } from './support/until';

const { seed, dice } = roundOf(1);

describeFleet(`api x 2 and worker x 2 on PostgreSQL alone (CHAOS_SEED=${seed})`, () => {
  describeSharing(useOneFleet({ redis: false }));
});

describeFleet(`replicas x 2 of the role all (CHAOS_SEED=${seed})`, () => {
  const theFleet = useOneFleet({ apis: 2, workers: 0, frontRole: 'all' });

  it('assign jobs to free slots, also without Redis', async () => {
    const fleet = theFleet();
    await until('each has its share', async () => (await fleet.parts()).join() === '2,2');
    await fleet.redis!.kill();
    try {
      await setTimeout(1_500);
      for (let count = 0; count < 6; count += 1) {
        await fleet.orders.submit({ seconds: 0.2, steps: 2 });
        expect(await fleet.audit.findings({ withinMs: 8_000, mayProgressGoBack: true })).toEqual([]);
      }
    } finally {
      await fleet.redis!.start();
    }
  });

  it('lose nothing when each is killed in turn', async () => {
    const fleet = theFleet();
    const callers = new Callers(fleet.orders, dice, {
      count: 6,
      order: () => ({ seconds: 0.2, steps: 2 }),
    });
    try {
      for (const replica of fleet.apis) {
        await setTimeout(dice.between(1_000, 2_500));
        await replica.kill();
        await setTimeout(dice.between(200, 2_000));
        await replica.start();
      }
    } finally {
      await callers.leave();
    }
    expect(await fleet.audit.findings({ withinMs: 40_000, unseenRuns: 2, mayProgressGoBack: true })).toEqual([]);
  });
});
