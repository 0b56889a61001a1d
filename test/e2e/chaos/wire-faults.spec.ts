import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Fault } from '../../../src/simulator';
import type { Rig } from './support/rig';
import { useOneRig, useRigs } from './support/rigs';
import { until } from './support/until';

const startRig = useRigs();

/** Two jobs nobody waits for and one caller, while something goes wrong. */
async function orderSome(rig: Rig): Promise<void> {
  const caller = rig.orders.add();
  await Promise.all([rig.orders.submitAll(2), rig.orders.send(caller, 'picture')]);
}

describe('every job ends right', () => {
  const theRig = useOneRig({ backends: 1 });

  it.each<[string, Fault]>([
    ['the socket is dropped during a run', { kind: 'drop-socket', after: 'executing' }],
    ['the socket is dropped at the end of a run', { kind: 'drop-socket', after: 'execution_success' }],
    ['the socket is closed in order during a run', { kind: 'drop-socket', after: 'execution_start', code: 1001 }],
    ['the socket goes deaf during a run', { kind: 'deaf-socket', after: 'execution_start' }],
    ['the socket is half open from the start of a run on', { kind: 'deaf-socket', after: 'executing', halfOpen: true }],
    ['a start is not announced', { kind: 'lose-event', type: 'execution_start' }],
    ['an output is not announced', { kind: 'lose-event', type: 'executed' }],
    ['an end is not announced', { kind: 'lose-event', type: 'execution_success' }],
    ['no event of any run is announced', { kind: 'lose-event', type: 'progress_state', times: 50 }],
    ['the events are over before the answer to the POST', { kind: 'late-post-answer' }],
    ['the answer to a POST is lost', { kind: 'lost-post-answer' }],
    ['the answer to a POST and the prompt are lost', { kind: 'lost-post-answer', accepted: false }],
    ['the history comes late', { kind: 'history-lag', ms: 2_000 }],
    ['the server does not take our prompt id', { kind: 'ignore-prompt-id' }],
    ['somebody deletes a prompt from its queue', { kind: 'silent-disappearance' }],
    ['the server restarts between accepting and answering', { kind: 'restart', after: 'submit', downMs: 300 }],
    ['the server restarts during a run', { kind: 'restart', after: 'progress', downMs: 300 }],
    ['an output holds NaN', { kind: 'nan-output' }],
    ['a file breaks off', { kind: 'slow-view', cutAfter: 20 }],
  ])('although %s', async (_what, fault) => {
    const rig = theRig();
    await rig.backend().arm(fault);
    await orderSome(rig);
    if (fault.times !== undefined) await rig.backend().clearFaults();
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
  });

  it.each([
    ['deaf', false],
    ['half open', true],
  ])('although the socket went %s while nothing ran', async (_what, halfOpen) => {
    const rig = theRig();
    await orderSome(rig);
    await rig.backend().arm({ kind: 'deaf-socket', halfOpen });
    await orderSome(rig);
    await orderSome(rig);
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
  });

  it('although somebody else connects under our client id and leaves', async () => {
    const rig = theRig();
    const running = await rig.orders.submitAll(2, { seconds: 1 });
    const [item] = await until('one runs', async () => {
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

  it('although a POST is answered after the time for answers is over', async () => {
    const rig = await startRig({ backends: 1, env: { COMFYUI_RESPONSE_TIMEOUT_SECONDS: '1' } });
    await rig.backend().arm({ kind: 'late-post-answer', ms: 4_000 });
    await orderSome(rig);
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
    for (const one of rig.orders.all) expect((await rig.audit.jobOf(one)).attempts).toHaveLength(1);
  });

  it('although a POST arrives when it was given up: what it asked for is canceled', async () => {
    const rig = await startRig({ backends: 1, env: { COMFYUI_RESPONSE_TIMEOUT_SECONDS: '1' } });
    await rig.backend().arm({ kind: 'late-arrival', ms: 5_000 });
    const order = await rig.orders.submit();
    const { jobId = '' } = order;
    await rig.backend().arm({ kind: 'hold', promptId: jobId, times: Infinity });
    await rig.audit.until(order, ({ status }) => status === 'succeeded');
    // Another run between, so that the late one finds nothing in ComfyUI's cache.
    await rig.orders.submit();
    const late = await until('the late run is over', async () => (await rig.backend().history())[jobId], 40_000);
    expect(late.status.completed).toBe(false);
    await rig.backend().clearFaults();
    expect(await rig.audit.findings()).toEqual([]);
    expect(await rig.backend().armed()).toEqual([]);
  });

  it('although all of it comes from the cache', async () => {
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
