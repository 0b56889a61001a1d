import { type Answer, jsonOf } from './support/http';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';

const startRig = useRigs();

/** The tables alone take about 100 KiB. */
const SMALL_DISK_KIB = 600;
const MANY = 300;

describe('a data folder in use', () => {
  it('is refused to a second service, and given to the next when the first was killed', async () => {
    const rig = await startRig();
    await rig.orders.submitAll(5, { seconds: 1 });
    const second = await rig.service.another();
    try {
      expect(await second.spawn().end()).toBe(1);
      expect(second.output()).toMatch(/The data folder \S+ is in use by another process\./);
    } finally {
      await second.kill();
    }
    await rig.service.kill();
    await rig.service.start();
    expect(await rig.audit.findings()).toEqual([]);
  });
});

describe('a disk that is full', () => {
  async function fill(rig: Rig): Promise<Answer> {
    const early = await rig.orders.submitAll(3);
    for (const order of early) await rig.audit.until(order, ({ status }) => status === 'succeeded');
    for (let i = 0; i < MANY; i++) {
      const answer = await rig.orders.send(rig.orders.add({ seconds: 0.1 }), 'later');
      if (answer.status !== 202) return answer;
    }
    throw new Error('The disk does not get full.');
  }

  it('means that jobs are refused, wholly, and those before are there after the next start', async () => {
    const rig = await startRig({ largestFile: SMALL_DISK_KIB });
    const refusal = await fill(rig);
    expect([refusal.status, jsonOf(refusal)]).toMatchObject([500, { code: 'storage_failed' }]);
    await rig.service.kill();
    await rig.service.start({ largestFile: undefined });
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('holds things up no longer than it is full', async () => {
    const rig = await startRig({ largestFile: SMALL_DISK_KIB });
    await fill(rig);
    await rig.service.liftLimit();
    await rig.orders.submitAll(3);
    expect(await rig.audit.findings()).toEqual([]);
  });
});
