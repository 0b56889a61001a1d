import { setTimeout } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { StreamSubscriptions } from './support/callers';
import { rounds } from './support/dice';
import { jsonOf, open } from './support/http';
import type { Order } from './support/order';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

/** All a viewer of a job is told, when it is told no more. */
async function view(rig: Rig, { jobId }: Order): Promise<{ readonly told: Promise<string> }> {
  const stream = await open(`${rig.service.url}/jobs/${jobId}/events`);
  return { told: text(stream) };
}

async function untilItLeaves(rig: Rig): Promise<void> {
  await until('it is not ready any more', async () => (await rig.service.call('/health/ready')).status === 503, 2_000);
}

describe('SIGTERM', () => {
  it('lets callers have their pictures, sends viewers and new callers away, and leaves the rest to the next', async () => {
    const rig = await startRig();
    const subscriptions = [rig.orders.add({ seconds: 1.5 }), rig.orders.add({ seconds: 1.5 })];
    const waiting = [rig.orders.send(subscriptions[0]!, 'picture'), rig.orders.send(subscriptions[1]!, 'json')];
    await until(
      'both run',
      async () => (await rig.service.jobs()).filter((job) => job.status === 'running').length === 2,
    );
    const [first] = await rig.orders.submitAll(6, { seconds: 0.5 });
    const { told } = await view(rig, first!);
    rig.service.terminate();
    await untilItLeaves(rig);
    const late = await rig.orders.send(rig.orders.add(), 'later');
    expect([late.status, jsonOf(late)]).toMatchObject([503, { code: 'shutting_down' }]);
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    expect(await told).toMatch(/\nretry: \d+\n\n$/);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await rig.service.end()).toBe(0);
    await rig.service.start();
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('tells callers who can not have theirs in time, and finishes their jobs after the next start', async () => {
    const rig = await startRig({ env: { SHUTDOWN_GRACE: '1' } });
    const subscriptions = [rig.orders.add({ seconds: 4 }), rig.orders.add({ seconds: 4 })];
    const waiting = subscriptions.map((order) => rig.orders.send(order, 'picture'));
    await until(
      'both run',
      async () => (await rig.service.jobs()).filter((job) => job.status === 'running').length === 2,
    );
    await rig.orders.submitAll(2);
    rig.service.terminate();
    for (const answer of await Promise.all(waiting))
      expect([answer.status, jsonOf(answer)]).toMatchObject([
        503,
        { code: 'shutting_down', jobId: expect.any(String) },
      ]);
    expect(await rig.service.end()).toBe(0);
    await rig.service.start();
    expect(await rig.audit.findings()).toEqual([]);
  });

  it.each(rounds(5))('loses nothing at any moment (CHAOS_SEED=$seed, round $round)', async ({ dice }) => {
    const rig = await startRig({ env: { SHUTDOWN_GRACE: String(Math.round(dice.between(1, 3))) } });
    const order = () => ({ seconds: dice.between(0, 0.3), steps: 2 });
    const subscriptions = new StreamSubscriptions(rig.orders, dice, { count: 6, order });
    await setTimeout(dice.between(100, 1_000));
    rig.service.terminate();
    expect(await rig.service.end()).toBe(0);
    await rig.service.start();
    await subscriptions.leave();
    expect(await rig.audit.findings()).toEqual([]);
  });
});
