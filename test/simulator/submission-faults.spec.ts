import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { get, historyOf, historyWhenThere, isEndOf, isText, isType, post } from '../contract/support/raw-client';
import { connect, flatPicture, serverOf, useSimulator } from './support';

const simulator = useSimulator();
const server = () => serverOf(simulator());

describe('late-post-answer', () => {
  it('responds after all events of the run', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'late-post-answer' });
    const promptId = randomUUID();
    let responded = false;
    const response = client.submit({ prompt: flatPicture(), prompt_id: promptId }).then((result) => {
      responded = true;
      return result;
    });
    await client.waitFor(isType('execution_success', promptId));
    expect(responded).toBe(false);
    expect((await response).status).toBe(200);
    await client.waitFor(isEndOf(promptId));
    await client.close();
  });

  it('responds after the configured time', async () => {
    simulator().faults.arm({ kind: 'late-post-answer', ms: 150 });
    const start = performance.now();
    await post(server(), '/prompt', { prompt: flatPicture() });
    expect(performance.now() - start).toBeGreaterThan(140);
  });
});

it('late-arrival queues a prompt after its client has disconnected', async () => {
  const fault = simulator().faults.arm({ kind: 'late-arrival', ms: 200 });
  const promptId = randomUUID();
  const body = JSON.stringify({ prompt: flatPicture(), prompt_id: promptId });
  const sent = fetch(`${server().url}/prompt`, { method: 'POST', body, signal: AbortSignal.timeout(100) });
  await fault.struck;
  await expect(sent).rejects.toThrow('timeout');
  expect(simulator().stats).toMatchObject({ remaining: 0, finished: 0 });
  expect(await historyWhenThere(server(), promptId)).toBeDefined();
});

describe('lost-post-answer', () => {
  it('closes the connection, and the prompt runs', async () => {
    simulator().faults.arm({ kind: 'lost-post-answer' });
    const promptId = randomUUID();
    const lost = post(server(), '/prompt', { prompt: flatPicture(), prompt_id: promptId });
    await expect(lost).rejects.toThrow('fetch failed');
    expect(await historyWhenThere(server(), promptId)).toBeDefined();
  });

  it('can also drop the prompt', async () => {
    simulator().faults.arm({ kind: 'lost-post-answer', accepted: false });
    const lost = post(server(), '/prompt', { prompt: flatPicture(), prompt_id: randomUUID() });
    await expect(lost).rejects.toThrow('fetch failed');
    expect(simulator().stats).toMatchObject({ remaining: 0, finished: 0, requests: { 'POST /prompt': 1 } });
  });
});

it('ignore-prompt-id responds with a new id', async () => {
  simulator().faults.arm({ kind: 'ignore-prompt-id' });
  const promptId = randomUUID();
  const { body } = await post(server(), '/prompt', { prompt: flatPicture(), prompt_id: promptId });
  const { prompt_id: own } = body as { prompt_id: string };
  expect(own).not.toBe(promptId);
  expect(await historyWhenThere(server(), own)).toBeDefined();
  expect(await historyOf(server(), promptId)).toBeUndefined();
});

it('silent-disappearance sends only status messages', async () => {
  const client = await connect(simulator());
  simulator().faults.arm({ kind: 'silent-disappearance' });
  const promptId = randomUUID();
  const { status } = await client.submit({ prompt: flatPicture(), prompt_id: promptId });
  await client.run({ prompt: flatPicture() });
  expect(status).toBe(200);
  expect(client.messages.filter(isText).some(({ data }) => data['prompt_id'] === promptId)).toBe(false);
  expect(await historyOf(server(), promptId)).toBeUndefined();
  await client.close();
});

describe('dead-worker', () => {
  it('runs nothing until a restart, while the queue grows', async () => {
    simulator().faults.arm({ kind: 'dead-worker' });
    for (let i = 0; i < 2; i++) expect((await post(server(), '/prompt', { prompt: flatPicture() })).status).toBe(200);
    const { body } = await get(server(), '/queue');
    expect(body).toMatchObject({ queue_running: [], queue_pending: [{}, {}] });
    await simulator().restart();
    const client = await connect(simulator());
    await client.run({ prompt: flatPicture() });
    await client.close();
  });

  it('can leave a prompt running forever', async () => {
    const fault = simulator().faults.arm({ kind: 'dead-worker', holding: true });
    const promptId = randomUUID();
    await post(server(), '/prompt', { prompt: flatPicture(), prompt_id: promptId });
    await fault.struck;
    const { body } = await get(server(), '/queue');
    expect(body).toMatchObject({ queue_running: [{ 1: promptId }], queue_pending: [] });
  });

  it('happens without a fault if an undeclared input links to a missing node', async () => {
    const prompt = flatPicture();
    prompt['1']!.inputs['undeclared'] = ['9', 0];
    expect((await post(server(), '/prompt', { prompt })).status).toBe(200);
    await post(server(), '/prompt', { prompt: flatPicture() });
    await delay(20);
    expect((await get(server(), '/queue')).body).toMatchObject({ queue_running: [{}], queue_pending: [{}] });
  });
});

describe('node-errors', () => {
  it('drops one output and runs the others', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'node-errors', nodeId: '3', message: 'images - not today' });
    const prompt = { ...flatPicture(), '3': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } } };
    const { response, promptId } = await client.run({ prompt });
    expect(response).toMatchObject({
      status: 200,
      body: { node_errors: { '3': { errors: [{ details: 'images - not today' }], dependent_outputs: ['3'] } } },
    });
    const { outputs } = await historyWhenThere(server(), promptId);
    expect(Object.keys(outputs as object)).toEqual(['2']);
    await client.close();
  });

  it('is a refusal without another output', async () => {
    simulator().faults.arm({ kind: 'node-errors' });
    expect(await post(server(), '/prompt', { prompt: flatPicture() })).toMatchObject({
      status: 400,
      body: { error: { type: 'prompt_outputs_failed_validation' } },
    });
  });
});

it('history-lag hides a finished run for a time', async () => {
  const client = await connect(simulator());
  simulator().faults.arm({ kind: 'history-lag', ms: 200 });
  const { promptId } = await client.run({ prompt: flatPicture() });
  expect(await historyOf(server(), promptId)).toBeUndefined();
  expect((await get(server(), '/history')).body).toEqual({});
  expect(await historyWhenThere(server(), promptId)).toBeDefined();
  await client.close();
});
