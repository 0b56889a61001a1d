import { randomUUID } from 'node:crypto';
import { historyOf, historyWhenThere, isEndOf, isText, isType } from '../contract/support/raw-client';
import { connect, flatPicture, serverOf, steps, useSimulator } from './support';

const simulator = useSimulator();

describe('drop-socket', () => {
  it('closes the socket without a close frame after the message, and the run continues', async () => {
    const client = await connect(simulator());
    const fault = simulator().faults.arm({ kind: 'drop-socket', after: 'execution_start' });
    const promptId = randomUUID();
    await client.submit({ prompt: flatPicture(), prompt_id: promptId });
    await client.closed();
    expect(client.closeCode).toBe(1006);
    expect(client.messages.at(-1)).toMatchObject({ type: 'execution_start' });
    expect(await historyWhenThere(serverOf(simulator()), promptId)).toMatchObject({ status: { completed: true } });
    expect([fault.fired, simulator().faults.list]).toEqual([1, []]);
  });

  it('closes with a configured code', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'drop-socket', after: 'executing', code: 1011 });
    await client.submit({ prompt: flatPicture() });
    await client.closed();
    expect(client.closeCode).toBe(1011);
  });

  it('occurs as often as it is armed for', async () => {
    simulator().faults.arm({ kind: 'drop-socket', after: 'execution_start', times: 2 });
    for (let i = 0; i < 2; i++) {
      const client = await connect(simulator());
      await client.submit({ prompt: flatPicture() });
      await client.closed();
    }
    const client = await connect(simulator());
    await client.run({ prompt: flatPicture() });
    expect(client.closeCode).toBeUndefined();
    await client.close();
  });
});

describe('lose-event', () => {
  it('drops one message of a type', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'lose-event', type: 'execution_success' });
    const { promptId } = await client.run({ prompt: flatPicture() });
    expect(client.messages.some(isType('execution_success', promptId))).toBe(false);
    const { promptId: next } = await client.run({ prompt: flatPicture() });
    expect(client.messages.some(isType('execution_success', next))).toBe(true);
    await client.close();
  });

  it('drops all of them until it is cleared', async () => {
    const client = await connect(simulator());
    const fault = simulator().faults.arm({ kind: 'lose-event', type: 'progress_state', times: Infinity });
    await client.run({ prompt: flatPicture() });
    expect(client.messages.some(isType('progress_state'))).toBe(false);
    expect(fault.fired).toBe(4);
    fault.clear();
    await client.run({ prompt: flatPicture() });
    expect(client.messages.some(isType('progress_state'))).toBe(true);
    await client.close();
  });
});

describe('deaf-socket', () => {
  it('leaves the socket open and answering pings, but sends it nothing', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'deaf-socket' });
    const promptId = randomUUID();
    await client.submit({ prompt: flatPicture(), prompt_id: promptId });
    await historyWhenThere(serverOf(simulator()), promptId);
    const pong = new Promise((resolve) => client.socket.once('pong', resolve));
    client.socket.ping();
    await pong;
    expect([client.messages.length, client.closeCode]).toEqual([1, undefined]);
    expect((await client.submit({ prompt: flatPicture() })).status).toBe(200);
    await client.close();
  });

  it('with halfOpen answers no pings', async () => {
    const [lost, other] = [await connect(simulator()), await connect(simulator())];
    let pongs = 0;
    lost.socket.on('pong', () => (pongs += 1));
    simulator().faults.arm({ kind: 'deaf-socket', clientId: lost.id, halfOpen: true });
    lost.socket.ping();
    await other.run({ prompt: flatPicture() });
    expect([pongs, lost.closeCode, lost.messages.length]).toEqual([0, undefined, 1]);
    lost.socket.terminate();
    await other.close();
  });

  it('can start after a message, and then affects only the client of that message', async () => {
    const [deaf, other] = [await connect(simulator()), await connect(simulator())];
    simulator().faults.arm({ kind: 'deaf-socket', after: 'execution_start' });
    const promptId = randomUUID();
    await deaf.submit({ prompt: flatPicture(), prompt_id: promptId });
    await other.run({ prompt: flatPicture() });
    expect(deaf.messages.at(-1)).toMatchObject({ type: 'execution_start' });
    await deaf.close();
    await other.close();
  });
});

it('idle-cut closes an idle socket, but not one that pings', async () => {
  const [silent, pinging] = [await connect(simulator()), await connect(simulator())];
  const timer = setInterval(() => pinging.socket.ping(), 20);
  simulator().faults.arm({ kind: 'idle-cut', ms: 150, times: Infinity });
  await silent.closed();
  clearInterval(timer);
  expect([silent.closeCode, pinging.closeCode]).toEqual([1006, undefined]);
  simulator().faults.clear('idle-cut');
  await pinging.close();
});

describe('restart', () => {
  it('closes sockets without a close frame, loses queue, history, cache and temp, and keeps the output', async () => {
    const client = await connect(simulator());
    const server = serverOf(simulator());
    const { promptId: before } = await client.run({ prompt: flatPicture({ prefix: 'kept' }) });
    const hold = simulator().faults.arm({ kind: 'hold', nodeId: '2' });
    await client.submit({ prompt: steps(1) });
    await client.submit({ prompt: flatPicture() });
    await hold.struck;
    await simulator().restart();
    await client.closed();
    expect(client.closeCode).toBe(1006);
    expect(await historyOf(server, before)).toBeUndefined();
    expect(simulator().stats).toMatchObject({ remaining: 0, restarts: 1, finished: 0 });
    expect((await fetch(`${server.url}/view?filename=kept_00001_.png`)).status).toBe(200);
    hold.clear();
    const reconnected = await connect(simulator());
    const { response } = await reconnected.run({ prompt: flatPicture({ prefix: 'kept' }) });
    expect(response.body).toMatchObject({ number: 0 });
    expect(reconnected.messages.filter(isText).find(isType('executed'))).toMatchObject({
      data: { output: { images: [{ filename: 'kept_00002_.png' }] } },
    });
    await reconnected.close();
  });

  it('happens after a message, and the run is lost', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'restart', after: 'progress' });
    const promptId = randomUUID();
    await client.submit({ prompt: steps(3), prompt_id: promptId });
    await client.closed();
    expect(client.messages.at(-1)).toMatchObject({ type: 'progress', data: { value: 1 } });
    await simulator().restart();
    expect(await historyOf(serverOf(simulator()), promptId)).toBeUndefined();
  });

  it('after the acceptance of a prompt prevents the response', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'restart', after: 'submit' });
    await expect(client.submit({ prompt: flatPicture() })).rejects.toThrow('fetch failed');
    await client.closed();
  });

  it('is down for the configured time', async () => {
    const restarted = simulator().restart({ downMs: 200 });
    await expect(fetch(`${simulator().url}/prompt`)).rejects.toThrow('fetch failed');
    await restarted;
    expect((await fetch(`${simulator().url}/prompt`)).status).toBe(200);
  });
});

it('a held node waits until the fault is cleared', async () => {
  const client = await connect(simulator());
  const hold = simulator().faults.arm({ kind: 'hold', classType: 'SaveImage' });
  const promptId = randomUUID();
  await client.submit({ prompt: flatPicture(), prompt_id: promptId });
  await hold.struck;
  expect(client.messages.some(isEndOf(promptId))).toBe(false);
  hold.clear();
  await client.waitFor(isEndOf(promptId));
  await client.close();
});
