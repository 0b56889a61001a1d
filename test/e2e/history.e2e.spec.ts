import { setTimeout } from 'node:timers/promises';
import type { Fault } from '../../src/simulator';
import { eventually } from '../support/eventually';
import { freshStack } from '../support/fresh-stack';
import { postJson } from '../support/stack';
import { flatPicture, slowPicture } from '../support/workflows';

const fresh = freshStack({ responseTimeout: 2 });
let color = 20_000;

async function generate(prompt: object = flatPicture(++color)): Promise<void> {
  const response = await postJson(`${fresh.stack.url}/generate`, { prompt });
  expect(await response.json()).toMatchObject({ image: expect.stringMatching(/^iVBOR/) });
}

describe('the history of a successful run', () => {
  const historyRequests = () =>
    Object.entries(fresh.comfyUI.stats.requests).reduce(
      (sum, [request, count]) => sum + (request.startsWith('GET /history/') ? count : 0),
      0,
    );

  it('is not requested if all events were received', async () => {
    await generate();
    await generate(slowPicture(++color));
    expect(historyRequests()).toBe(0);
  });

  it.each<[string, Fault]>([
    ['the event of an output is lost', { kind: 'lose-event', type: 'executed' }],
    ['the event of the cached nodes is lost', { kind: 'lose-event', type: 'execution_cached' }],
    ['the event of the outcome is lost', { kind: 'lose-event', type: 'execution_success' }],
    ['the event of the end is lost', { kind: 'lose-event', type: 'executing', times: Infinity }],
    ['the socket closes during the run', { kind: 'drop-socket', after: 'execution_start' }],
    ['the socket closes after the last output', { kind: 'drop-socket', after: 'executed' }],
    ['the server is too old to accept a prompt id', { kind: 'ignore-prompt-id' }],
    ['a proxy refuses the socket', { kind: 'proxy', status: 401, target: 'socket', times: Infinity }],
  ])('is requested if %s', async (_what, fault) => {
    const armed = fresh.comfyUI.faults.arm(fault);
    await generate();
    expect(armed.fired).toBeGreaterThan(0);
    expect(historyRequests()).toBeGreaterThan(0);
  });

  it('is requested if the socket was closed for a time', async () => {
    const hold = fresh.comfyUI.faults.arm({ kind: 'hold', nodeId: '2' });
    fresh.comfyUI.faults.arm({ kind: 'drop-socket', after: 'execution_cached' });
    const response = generate();
    await hold.struck;
    await eventually(() => expect(fresh.comfyUI.stats.sockets).toBe(0));
    await eventually(() => expect(fresh.comfyUI.stats.sockets).toBe(1));
    // The prompt is looked up after a reconnect; later only after a time without events.
    await setTimeout(1_000);
    const before = historyRequests();
    hold.clear();
    await response;
    expect(historyRequests()).toBeGreaterThan(before);
  });

  it('is requested for cached results, because not all of them have events', async () => {
    const prompt = flatPicture(++color);
    await generate(prompt);
    await generate(prompt);
    expect(historyRequests()).toBeGreaterThan(0);
  });

  it('is requested if a last node sent no output', async () => {
    const sink = { class_type: 'SimulatedSink', inputs: { source: ['1', 0] } };
    await generate({ ...flatPicture(++color), sink });
    expect(historyRequests()).toBeGreaterThan(0);
  });

  it.each<[string, Fault]>([
    ['comes late', { kind: 'history-lag', ms: 1500 }],
    ['is behind a proxy that fails', { kind: 'proxy', status: 504, path: '/history', times: 2 }],
  ])('is retried if it is needed and %s', async (_what, fault) => {
    fresh.comfyUI.faults.arm({ kind: 'lose-event', type: 'executed' });
    const armed = fresh.comfyUI.faults.arm(fault);
    await generate();
    expect(armed.fired).toBeGreaterThan(0);
  });
});
