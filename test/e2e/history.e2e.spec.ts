import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { freshStack } from '../support/fresh-stack';
import { postJson } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';

const fresh = freshStack({ responseTimeout: 2 });
let color = 20_000;

async function generate(prompt: object = flatPicture(++color)): Promise<void> {
  const answer = await postJson(`${fresh.stack.url}/generate`, { prompt });
  expect(await answer.json()).toMatchObject({ image: expect.stringMatching(/^iVBOR/) });
}

describe('the history of a run that did well', () => {
  const looks = () =>
    Object.entries(fresh.comfyUI.stats.requests).reduce(
      (sum, [request, count]) => sum + (request.startsWith('GET /history/') ? count : 0),
      0,
    );

  it('is not asked for when all of the run was heard', async () => {
    await generate();
    await generate(slowPicture(++color));
    expect(looks()).toBe(0);
  });

  it.each<[string, Fault]>([
    ['an output is not announced', { kind: 'lose-event', type: 'executed' }],
    ['what came from the cache is not announced', { kind: 'lose-event', type: 'execution_cached' }],
    ['the outcome is not announced', { kind: 'lose-event', type: 'execution_success' }],
    ['the end is not announced', { kind: 'lose-event', type: 'executing', times: Infinity }],
    ['the socket is dropped during the run', { kind: 'drop-socket', after: 'execution_start' }],
    ['the socket is dropped after the last output', { kind: 'drop-socket', after: 'executed' }],
    ['the server is too old to take our prompt id', { kind: 'ignore-prompt-id' }],
    ['a proxy refuses the socket', { kind: 'proxy', status: 401, target: 'socket', times: Infinity }],
  ])('is asked for when %s', async (_what, fault) => {
    const armed = fresh.comfyUI.faults.arm(fault);
    await generate();
    expect(armed.fired).toBeGreaterThan(0);
    expect(looks()).toBeGreaterThan(0);
  });

  it('is asked for when the socket was away for a while', async () => {
    const hold = fresh.comfyUI.faults.arm({ kind: 'hold', nodeId: '2' });
    fresh.comfyUI.faults.arm({ kind: 'drop-socket', after: 'execution_cached' });
    const answered = generate();
    await hold.struck;
    await eventually(() => expect(fresh.comfyUI.stats.sockets).toBe(0));
    await eventually(() => expect(fresh.comfyUI.stats.sockets).toBe(1));
    // It is looked for when the socket is back; later only after a silence.
    await setTimeout(1_000);
    const before = looks();
    hold.clear();
    await answered;
    expect(looks()).toBeGreaterThan(before);
  });

  it('is asked for when results came from the cache, which are not all announced', async () => {
    const prompt = flatPicture(++color);
    await generate(prompt);
    await generate(prompt);
    expect(looks()).toBeGreaterThan(0);
  });

  it('is asked for when a last node announced nothing', async () => {
    const sink = { class_type: 'SimulatedSink', inputs: { source: ['1', 0] } };
    await generate({ ...flatPicture(++color), sink });
    expect(looks()).toBeGreaterThan(0);
  });

  it.each<[string, Fault]>([
    ['comes late', { kind: 'history-lag', ms: 1500 }],
    ['is behind a proxy that fails', { kind: 'proxy', status: 504, path: '/history', times: 2 }],
  ])('is waited for when it is needed and %s', async (_what, fault) => {
    fresh.comfyUI.faults.arm({ kind: 'lose-event', type: 'executed' });
    const armed = fresh.comfyUI.faults.arm(fault);
    await generate();
    expect(armed.fired).toBeGreaterThan(0);
  });
});
