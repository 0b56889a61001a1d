import { setTimeout } from 'node:timers/promises';
import { type Batch, batches, type Dice } from './support/dice';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

/** Five rigs at once, each with its own chance: what is wrong with any of them, by round. */
async function play({ rounds }: Batch, backends: number, disaster: (rig: Rig, dice: Dice) => Promise<void>) {
  const played = rounds.map(async ({ round, dice }) => {
    const rig = await startRig({ backends });
    await rig.orders.submitAll(6, { seconds: dice.between(0.3, 1) });
    await killWhileItWorks(rig, dice);
    await disaster(rig, dice);
    return (await rig.audit.findings({ withinMs: 60_000 })).map((finding) => `round ${round}: ${finding}`);
  });
  return (await Promise.all(played)).flat();
}

async function killWhileItWorks(rig: Rig, dice: Dice): Promise<void> {
  const victim = rig.backend();
  await until('it runs something', async () => (await victim.queue()).running.length > 0);
  await setTimeout(dice.between(0, 800));
  await victim.kill();
}

const staysDead = () => Promise.resolve();

const comesBack = (fromMs: number, toMs: number) => async (rig: Rig, dice: Dice) => {
  await setTimeout(dice.between(fromMs, toMs));
  await rig.backend().start();
};

describe('kill -9 of one backend of two, ten times', () => {
  it.each(batches(10, 5))(
    'moves its jobs to the other one when it stays away (CHAOS_SEED=$seed, batch $batch)',
    async (batch) => expect(await play(batch, 2, staysDead)).toEqual([]),
  );

  it.each(batches(10, 5))(
    'brings every job to its end when it comes back (CHAOS_SEED=$seed, batch $batch)',
    async (batch) => expect(await play(batch, 2, comesBack(0, 2_000))).toEqual([]),
  );
});

describe('kill -9 of the only backend, ten times', () => {
  it.each(batches(10, 5))(
    'brings every job to its end when it comes back soon (CHAOS_SEED=$seed, batch $batch)',
    async (batch) => expect(await play(batch, 1, comesBack(0, 3_000))).toEqual([]),
  );

  it.each(batches(5, 5))(
    'brings every job to its end when it comes back after its prompts were given up (CHAOS_SEED=$seed, batch $batch)',
    async (batch) => expect(await play(batch, 1, comesBack(11_000, 14_000))).toEqual([]),
  );
});
