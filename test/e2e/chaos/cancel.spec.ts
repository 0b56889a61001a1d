import { setTimeout } from 'node:timers/promises';
import { type Dice, rounds } from './support/dice';
import { jsonOf } from './support/http';
import type { Order } from './support/order';
import type { Rig } from './support/rig';
import { useOneRig } from './support/rigs';
import { until } from './support/until';

/** Four jobs in queue order: one runs and is held at ComfyUI, one waits at ComfyUI, two wait in the service. */
async function fourInTurn(rig: Rig): Promise<[Order, Order, Order, Order]> {
  await rig.backend().arm({ kind: 'hold', classType: 'SaveImage', times: Infinity });
  const first = await rig.orders.submit();
  const second = await rig.orders.submit();
  const third = await rig.orders.submit();
  const fourth = await rig.orders.submit();
  await until('one prompt runs and one waits', async () => {
    const { running, pending } = await rig.backend().queue();
    return running[0]?.[1] === first.jobId && pending[0]?.[1] === second.jobId;
  });
  return [first, second, third, fourth];
}

function goOn(rig: Rig): Promise<void> {
  return rig.backend().clearFaults('hold');
}

async function cancel(rig: Rig, order: Order, endings: Order['endings'] = ['canceled']): Promise<unknown> {
  order.endings = endings;
  const answer = await rig.service.cancel(order.jobId ?? '');
  expect(answer.status).toBe(200);
  return jsonOf(answer);
}

describe('a cancellation affects only its own job', () => {
  const theRig = useOneRig({ backends: 1 });

  it('that waits in the service', async () => {
    const rig = theRig();
    const [, , third] = await fourInTurn(rig);
    expect(await cancel(rig, third)).toMatchObject({ status: 'canceled', attempts: [] });
    await goOn(rig);
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('that waits at ComfyUI, and is never run there', async () => {
    const rig = theRig();
    const [, second] = await fourInTurn(rig);
    await cancel(rig, second);
    await rig.audit.until(second, ({ status }) => status === 'canceled');
    await goOn(rig);
    expect(await rig.audit.findings()).toEqual([]);
    expect((await rig.backend().files()).filter((name) => name.startsWith(`${second.tag}_`))).toEqual([]);
  });

  it('that runs', async () => {
    const rig = theRig();
    const [first] = await fourInTurn(rig);
    await cancel(rig, first);
    await rig.audit.until(first, ({ status }) => status === 'canceled');
    await goOn(rig);
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('whose files are being fetched: it succeeds or is canceled', async () => {
    const rig = theRig();
    await rig.backend().arm({ kind: 'slow-view', ms: 3_000 });
    const [first] = await fourInTurn(rig);
    await goOn(rig);
    await until('its run has ended', async () => (await rig.backend().history())[first.jobId ?? '']);
    await cancel(rig, first, ['canceled', 'succeeded']);
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('that has ended: it does not change', async () => {
    const rig = theRig();
    const [first] = await fourInTurn(rig);
    await goOn(rig);
    const ended = await rig.audit.until(first, ({ status }) => status === 'succeeded');
    expect(await cancel(rig, first, ['succeeded'])).toEqual(ended);
    expect(await rig.audit.findings()).toEqual([]);
  });

  it('also after a crash of the service', async () => {
    const rig = theRig();
    const orders = await fourInTurn(rig);
    for (const order of orders.slice(0, 3)) await cancel(rig, order);
    await rig.service.kill();
    await rig.service.start();
    // A prompt that is not held would end before its cancellation is repeated.
    for (const order of orders.slice(0, 3)) await rig.audit.until(order, ({ status }) => status === 'canceled');
    await goOn(rig);
    expect(await rig.audit.findings()).toEqual([]);
  });
});

describe('cancellations', () => {
  const theRig = useOneRig();

  it.each(rounds(2))(
    'at random moments affect only their own jobs (CHAOS_SEED=$seed, round $round)',
    async ({ dice }) => {
      const rig = theRig();
      await cancelSome(rig, dice);
      expect(await rig.audit.findings()).toEqual([]);
    },
  );
});

async function cancelSome(rig: Rig, dice: Dice): Promise<void> {
  const orders = await rig.orders.submitAll(12, { seconds: 0.15 });
  for (const order of orders.filter(() => dice.chance(0.5))) {
    await setTimeout(dice.between(0, 100));
    await cancel(rig, order, ['canceled', 'succeeded']);
  }
}
