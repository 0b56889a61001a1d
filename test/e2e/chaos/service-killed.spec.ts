import { setTimeout } from 'node:timers/promises';
import { StreamSubscriptions } from './support/callers';
import { rounds } from './support/dice';
import { useOneRig } from './support/rigs';
import { until } from './support/until';

describe('kill -9 of the service', () => {
  const theRig = useOneRig();

  it.each(rounds(10))(
    'loses none of 2 running and 3 waiting jobs (CHAOS_SEED=$seed, round $round)',
    async ({ dice }) => {
      const rig = theRig();
      await rig.orders.submitAll(5, { seconds: dice.between(0.1, 1.2) });
      const running = async () => (await rig.service.jobs()).filter(({ status }) => status === 'running').length === 2;
      await until('two run', running);
      await setTimeout(dice.between(0, 800));
      await rig.service.kill();
      await setTimeout(dice.between(0, 800));
      await rig.service.start();
      expect(await rig.audit.findings()).toEqual([]);
    },
  );

  it.each(rounds(10))(
    'keeps what it promised to those who submit meanwhile (CHAOS_SEED=$seed, round $round)',
    async ({ dice }) => {
      const rig = theRig();
      const subscriptions = new StreamSubscriptions(rig.orders, dice, {
        count: 6,
        order: () => ({ seconds: dice.between(0, 0.2), steps: 2 }),
      });
      await setTimeout(dice.between(100, 1_000));
      await rig.service.kill();
      await setTimeout(dice.between(0, 300));
      await rig.service.start();
      await setTimeout(dice.between(0, 300));
      await subscriptions.leave();
      expect(rig.orders.accepted.length).toBeGreaterThan(0);
      expect(await rig.audit.findings()).toEqual([]);
    },
  );

  it.each(rounds(3))(
    'again and again, also while it starts, loses nothing (CHAOS_SEED=$seed, round $round)',
    async ({ dice }) => {
      const rig = theRig();
      await rig.orders.submitAll(12, { seconds: dice.between(0.2, 0.8) });
      for (let kills = 0; kills < 5; kills++) {
        await rig.service.kill();
        rig.service.spawn();
        await setTimeout(dice.between(500, 1_800));
      }
      await rig.service.kill();
      await rig.service.start();
      expect(await rig.audit.findings()).toEqual([]);
    },
  );
});

describe('a power cut', () => {
  const theRig = useOneRig();

  it.each(rounds(5))('that ends everything at once loses no job (CHAOS_SEED=$seed, round $round)', async ({ dice }) => {
    const rig = theRig();
    const order = () => ({ seconds: dice.between(0, 0.4), steps: 3 });
    const subscriptions = new StreamSubscriptions(rig.orders, dice, { count: 4, order });
    await setTimeout(dice.between(300, 1_500));
    const all = [rig.service, ...rig.backends];
    await Promise.all(all.map((process) => process.kill()));
    const comeBack = async (process: { start(): Promise<void> }) => {
      await setTimeout(dice.between(0, 1_000));
      await process.start();
    };
    await Promise.all(all.map(comeBack));
    await subscriptions.leave();
    expect(await rig.audit.findings({ unseenRuns: 1 })).toEqual([]);
  });
});
