import type { Fault } from '../../../src/simulator';
import type { ComfyUIProcess } from './support/comfyui-process';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

interface Moment {
  readonly name: string;
  /** Holds the backend at the moment. */
  readonly fault: Fault;
  readonly isReached: (backend: ComfyUIProcess) => Promise<boolean>;
}

const MOMENTS: readonly Moment[] = [
  {
    name: 'a prompt runs and one waits',
    fault: { kind: 'hold', classType: 'SaveImage', times: Infinity },
    isReached: async (backend) => {
      const { running, pending } = await backend.queue();
      return running.length === 1 && pending.length === 1;
    },
  },
  {
    name: 'an output is written and not fetched',
    fault: { kind: 'slow-view', ms: 60_000, times: Infinity },
    isReached: async (backend) => Object.keys(await backend.history()).length > 0,
  },
];

/** Kills the first backend of a new rig at each moment, all at once. @returns the findings, by moment */
async function play(backends: number, afterKill: (rig: Rig) => Promise<void>): Promise<string[]> {
  const played = MOMENTS.map(async ({ name, fault, isReached }) => {
    const rig = await startRig({ backends });
    await rig.backend().arm(fault);
    await rig.orders.submitAll(6, { seconds: 0.3 });
    await until(name, () => isReached(rig.backend()));
    await rig.backend().kill();
    await afterKill(rig);
    return (await rig.audit.findings({ withinMs: 60_000 })).map((finding) => `${name}: ${finding}`);
  });
  return (await Promise.all(played)).flat();
}

const staysDead = () => Promise.resolve();
const comesBack = (rig: Rig) => rig.backend().start();
const comesBackLate = async (rig: Rig) => {
  const isLost = async () => (await rig.service.jobs()).some(({ attempts }) => attempts.some(({ error }) => error));
  await until('its prompts count as lost', isLost, 40_000);
  await rig.backend().start();
};

describe('kill -9 of one backend of two, while a prompt runs and while an output is fetched', () => {
  it('moves its jobs to the other one when it stays away', async () => expect(await play(2, staysDead)).toEqual([]));

  it('loses no job when it comes back', async () => expect(await play(2, comesBack)).toEqual([]));
});

describe('kill -9 of the only backend, while a prompt runs and while an output is fetched', () => {
  it('loses no job when it comes back at once', async () => expect(await play(1, comesBack)).toEqual([]));

  it('loses no job when it comes back after its prompts count as lost', async () =>
    expect(await play(1, comesBackLate)).toEqual([]));
});
