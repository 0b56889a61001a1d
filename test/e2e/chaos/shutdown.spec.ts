import { setTimeout } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { Callers } from './support/callers';
import { rounds } from './support/dice';
import { jsonOf, open } from './support/http';
import type { Order } from './support/order';
import type { Rig } from './support/rig';
import { useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

/** The event stream of a job: its text, complete when the stream ends. */
async function view(rig: Rig, { jobId }: Order): Promise<{ readonly received: Promise<string> }> {
  const stream = await open(`${rig.service.url}/jobs/${jobId}/events`);
  return { received: text(stream) };
}

async function untilNotReady(rig: Rig): Promise<void> {
  await until('the service is not ready', async () => (await rig.service.call('/health/ready')).status === 503, 2_000);
}

describe('SIGTERM', () => {
  it('serves waiting callers, ends event streams, refuses new requests, and leaves the other jobs to the next process', async () => {
    const rig = await startRig();
    const orders = [rig.orders.add({ seconds: 1.5 }), rig.orders.add({ seconds: 1.5 })];
    const waiting = [rig.orders.send(orders[0]!, 'picture'), rig.orders.send(orders[1]!, 'json')];
    await until(
      'both jobs run',
      async () => (await rig.service.jobs()).filter((job) => job.status === 'running').length === 2,
    );
    const [first] = await rig.orders.submitAll(6, { seconds: 0.5 });
    const { received } = await view(rig, first!);
    rig.service.terminate();
    await untilNotReady(rig);
    const late = await rig.orders.send(rig.orders.add(), 'later');
    expect([late.status, jsonOf(late)]).toMatchObject([503, { code: 'shutting_down' }]);
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    expect(await received).toMatch(/\nretry: \d+\n\n$/);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await rig.service.end()).toBe(0);
    await rig.service.start();
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('answers shutting_down to callers after the grace period, and finishes their jobs after the next start', async () => {
    const rig = await startRig({ env: { SHUTDOWN_GRACE: '1' } });
    const orders = [rig.orders.add({ seconds: 4 }), rig.orders.add({ seconds: 4 })];
    const waiting = orders.map((order) => rig.orders.send(order, 'picture'));
    await until(
      'both jobs run',
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

  it.each(rounds(2))('loses nothing at a random moment (CHAOS_SEED=$seed, round $round)', async ({ dice }) => {
    const rig = await startRig({ env: { SHUTDOWN_GRACE: String(Math.round(dice.between(1, 3))) } });
    const order = () => ({ seconds: dice.between(0, 0.3), steps: 2 });
    const callers = new Callers(rig.orders, dice, { count: 6, order });
    await setTimeout(dice.between(100, 1_000));
    rig.service.terminate();
    expect(await rig.service.end()).toBe(0);
    await rig.service.start();
    await callers.leave();
    expect(await rig.audit.findings()).toEqual([]);
  });
});
