import { setTimeout } from 'node:timers/promises';
import { roundOf } from './support/dice';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';

const startRig = useRigs();

const JOBS = 1_000;
const CALLERS = 10;

async function submitThousand(rig: Rig): Promise<void> {
  let left = JOBS;
  const caller = async () => {
    while (left-- > 0) await rig.orders.submit({ seconds: 0.05, steps: 1 });
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

const { seed, dice } = roundOf(1);

it(`a thousand jobs on four backends, one of which is killed repeatedly: all succeed, each once (CHAOS_SEED=${seed})`, async () => {
  const rig = await startRig({ backends: 4 });
  const flapping = rig.backend();
  const over = new AbortController();
  const flaps = (async () => {
    while (!over.signal.aborted) {
      await setTimeout(dice.between(1_000, 2_000));
      await flapping.kill();
      await setTimeout(dice.between(0, 1_000));
      await flapping.start();
    }
  })();
  await submitThousand(rig);
  await rig.audit.ended(240_000);
  over.abort();
  await flaps;
  expect(await rig.audit.findings({ replays: 20, unseenRuns: 1 })).toEqual([]);
  expect(rig.orders.accepted).toHaveLength(JOBS);
  expect(flapping.deaths).toBeGreaterThan(3);
});
