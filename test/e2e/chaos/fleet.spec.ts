import { setTimeout } from 'node:timers/promises';
import { Fleet } from './support/fleet';

declare const global: { hasFailed?: boolean };

describe('several processes on one database', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.start({ redis: false });
  });

  afterAll(() => fleet.close());

  afterEach(async () => {
    if (global.hasFailed) console.error(await fleet.log());
  });

  it('run each job once', async () => {
    await fleet.orders.submitAll(40, { seconds: 0.1 });
    expect(await fleet.audit.findings()).toEqual([]);
  });

  it('lose nothing when a worker is killed', async () => {
    await fleet.orders.submitAll(40, { seconds: 0.3 });
    await setTimeout(1_000);
    await fleet.workers[0]!.kill();
    expect(await fleet.audit.findings({ withinMs: 40_000 })).toEqual([]);
    await fleet.workers[0]!.start();
  });
});
