import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Fault } from '../../../src/simulator';
import type { Rig } from './support/rig';
import { useOneRig, useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

/** Two jobs without a caller and one with a caller. */
async function orderSome(rig: Rig): Promise<void> {
  const caller = rig.orders.add();
  await Promise.all([rig.orders.submitAll(2), rig.orders.send(caller, 'picture')]);
}

describe('every job ends correctly', () => {
  const theRig = useOneRig({ backends: 1 });

  it.each<[string, Fault]>([
    ['the socket is dropped during a run', { kind: 'drop-socket', after: 'executing' }],
    [
      'the socket is closed with a close frame during a run',
      { kind: 'drop-socket', after: 'execution_start', code: 1001 },
    ],
    ['the socket is half open from the start of a run on', { kind: 'deaf-socket', after: 'executing', halfOpen: true }],
    ['the event of a start is lost', { kind: 'lose-event', type: 'execution_start' }],
    ['every progress event is lost', { kind: 'lose-event', type: 'progress_state', times: 50 }],
    ['the response to a POST is lost', { kind: 'lost-post-answer' }],
    [
      'the server restarts after it accepted a prompt and before it responds',
      { kind: 'restart', after: 'submit', downMs: 300 },
    ],
    ['the server restarts during a run', { kind: 'restart', after: 'progress', downMs: 300 }],
  ])('although %s', async (_what, fault) => {
    const rig = theRig();
    await rig.backend().arm(fault);
    await orderSome(rig);
    if (fault.times !== undefined) await rig.backend().clearFaults();
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
  });

  it('although the history entry of a run with a lost event comes late: the run is not repeated', async () => {
    const rig = theRig();
    await rig.backend().arm({ kind: 'lose-event', type: 'executed' });
    await rig.backend().arm({ kind: 'history-lag', ms: 2_000 });
    const order = await rig.orders.submit();
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
    expect((await rig.audit.jobOf(order)).attempts).toHaveLength(1);
  });

  it('although the socket becomes half open while nothing runs', async () => {
    const rig = theRig();
    await orderSome(rig);
    await rig.backend().arm({ kind: 'deaf-socket', halfOpen: true });
    await orderSome(rig);
    await orderSome(rig);
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
  });

  it('although another client connects with the same client id and disconnects', async () => {
    const rig = theRig();
    const running = await rig.orders.submitAll(2, { seconds: 1 });
    const [item] = await until('one prompt runs', async () => {
      const queue = await rig.backend().queue();
      return queue.running.length > 0 && queue.running;
    });
    const second = new WebSocket(
      `${rig.backend().url.replace('http', 'ws')}/ws?clientId=${String(item?.[3].client_id)}`,
    );
    await once(second, 'open');
    second.close();
    await once(second, 'close');
    await orderSome(rig);
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
    expect(await rig.audit.jobOf(running[0]!)).toMatchObject({ attempts: [{ number: 1 }] });
  });

  it('although the response to a POST comes after the response timeout', async () => {
    const rig = await startRig({ backends: 1, env: { COMFYUI_RESPONSE_TIMEOUT_SECONDS: '1' } });
    await rig.backend().arm({ kind: 'late-post-answer', ms: 4_000 });
    await orderSome(rig);
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
    for (const one of rig.orders.all) expect((await rig.audit.jobOf(one)).attempts).toHaveLength(1);
  });

  it('although a POST arrives after its timeout: its prompt is canceled', async () => {
    const rig = await startRig({ backends: 1, env: { COMFYUI_RESPONSE_TIMEOUT_SECONDS: '1' } });
    await rig.backend().arm({ kind: 'late-arrival', ms: 5_000 });
    const order = await rig.orders.submit();
    const { jobId = '' } = order;
    await rig.backend().arm({ kind: 'hold', promptId: jobId, times: Infinity });
    await rig.audit.until(order, ({ status }) => status === 'succeeded');
    // Another run replaces the entry in ComfyUI's cache.
    await rig.orders.submit();
    const late = await until('the late run has ended', async () => (await rig.backend().history())[jobId], 40_000);
    expect(late.status.completed).toBe(false);
    await rig.backend().clearFaults();
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
  });

  it('although all outputs come from the cache', async () => {
    const rig = theRig();
    const first = await rig.orders.submit();
    await rig.audit.until(first, ({ status }) => status === 'succeeded');
    await rig.orders.submit({ like: first, isCached: true });
    await rig.orders.send(rig.orders.add({ like: first, isCached: true }), 'picture');
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
    expect((await rig.backend().files()).filter((name) => name.startsWith(`${first.tag}_`))).toHaveLength(1);
  });
});
