import { type Answer, jsonOf } from './support/http';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';

const startRig = useRigs();

/** The tables alone take about 100 KiB. */
const SMALL_DISK_KIB = 600;
const MANY = 300;

describe('a data folder in use', () => {
  it('is refused to a second service, and free after a crash of the first', async () => {
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

describe('a full disk', () => {
  async function fill(rig: Rig): Promise<Answer> {
    const early = await rig.orders.submitAll(3);
    for (const order of early) await rig.audit.until(order, ({ status }) => status === 'succeeded');
    for (let i = 0; i < MANY; i++) {
      const answer = await rig.orders.send(rig.orders.add({ seconds: 0.1 }), 'later');
      if (answer.status !== 202) return answer;
    }
    throw new Error('The disk is not full.');
  }

  it('refuses jobs completely, and keeps the earlier ones across the next start', async () => {
    const rig = await startRig({ largestFile: SMALL_DISK_KIB });
    const refusal = await fill(rig);
    expect([refusal.status, jsonOf(refusal)]).toMatchObject([500, { code: 'storage_failed' }]);
    await rig.service.kill();
    await rig.service.start({ largestFile: undefined });
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('delays nothing after it has space again', async () => {
    const rig = await startRig({ largestFile: SMALL_DISK_KIB });
    await fill(rig);
    await rig.service.liftLimit();
    await rig.orders.submitAll(3);
    expect(await rig.audit.findings()).toEqual([]);
  });
});
