import { randomUUID } from 'node:crypto';
import { get, historyOf, historyWhenThere, isEndOf, isText, isType, post, RawClient } from './support/raw-client';
import { describeWithModel, useServer } from './support/server';
import { flatPicture, longSampling } from './support/workflows';

const server = useServer();

type QueueItem = [number, string, object, object, string[]];

const queue = async (): Promise<{ queue_running: QueueItem[]; queue_pending: QueueItem[] }> =>
  (await get(server(), '/queue')).body as { queue_running: QueueItem[]; queue_pending: QueueItem[] };

const interrupt = (promptId: string) => post(server(), '/interrupt', { prompt_id: promptId });

/** Starts a prompt whose sampler runs for a long time. */
async function startLong(client: RawClient): Promise<string> {
  const promptId = randomUUID();
  await client.submit({ prompt: longSampling(), prompt_id: promptId });
  await client.waitFor(isType('progress', promptId));
  return promptId;
}

let client: RawClient;

beforeEach(async () => {
  client = await RawClient.connect(server());
});
afterEach(() => client.close());

describeWithModel('the queue behind a running prompt', () => {
  it('an interrupted prompt ends at the next step, with the status error in its history', async () => {
    const promptId = await startLong(client);
    expect(await interrupt(promptId)).toEqual({ status: 200, body: '' });
    await client.waitFor(isEndOf(promptId));
    const last = client.messages.filter(isText).slice(-3);
    expect(last.map(({ type }) => type)).toEqual(['execution_interrupted', 'status', 'executing']);
    const interrupted = last[0]?.data as { executed: string[] };
    expect({ ...interrupted, executed: interrupted.executed.toSorted() }).toEqual({
      prompt_id: promptId,
      node_id: '3',
      node_type: 'KSampler',
      executed: ['4', '5', '6', '7'],
      timestamp: expect.any(Number) as number,
    });
    const history = await historyWhenThere(server(), promptId);
    expect(history).toMatchObject({ outputs: {}, meta: {}, status: { status_str: 'error', completed: false } });
    const { messages } = history['status'] as { messages: [string, object][] };
    expect(messages.map(([type]) => type)).toEqual(['execution_start', 'execution_cached', 'execution_interrupted']);
  });

  it('an interrupt of another prompt has no effect', async () => {
    const promptId = await startLong(client);
    const from = client.messages.length;
    expect(await interrupt(randomUUID())).toEqual({ status: 200, body: '' });
    await client.waitFor(isType('progress', promptId), from);
    await interrupt(promptId);
    await client.waitFor(isEndOf(promptId));
  });

  it('an interrupt without a body stops the running prompt', async () => {
    const promptId = await startLong(client);
    expect(await post(server(), '/interrupt', '')).toEqual({ status: 200, body: '' });
    await client.waitFor(isType('execution_interrupted', promptId));
    await client.waitFor(isEndOf(promptId));
  });

  it('a pending prompt that is deleted causes only status messages', async () => {
    const running = await startLong(client);
    const deleted = randomUUID();
    await client.submit({ prompt: flatPicture(), prompt_id: deleted });
    expect((await queue()).queue_pending.map(([, id]) => id)).toEqual([deleted]);
    const from = client.messages.length;
    expect(await post(server(), '/queue', { delete: [deleted, randomUUID(), running] })).toEqual({
      status: 200,
      body: '',
    });
    await client.until(() => client.messages.slice(from).filter(isType('status')).length >= 2);
    expect((await queue()).queue_pending).toEqual([]);
    expect((await queue()).queue_running.map(([, id]) => id)).toEqual([running]);
    await interrupt(running);
    await client.waitFor(isEndOf(running));
    expect(await historyOf(server(), deleted)).toBeUndefined();
    expect(client.messages.some((message) => isText(message) && message.data['prompt_id'] === deleted)).toBe(false);
  });

  it('lower numbers run first, equal numbers in the order of their ids, front before all', async () => {
    const running = await startLong(client);
    const [a, b] = [randomUUID(), randomUUID()].toSorted() as [string, string];
    const [late, front] = [randomUUID(), randomUUID()];
    await client.submit({ prompt: flatPicture(), prompt_id: late, number: 1e9 });
    await client.submit({ prompt: flatPicture(), prompt_id: b, number: 1e8 });
    await client.submit({ prompt: flatPicture(), prompt_id: a, number: 1e8 });
    await client.submit({ prompt: flatPicture(), prompt_id: front, front: true });
    expect((await get(server(), '/prompt')).body).toEqual({ exec_info: { queue_remaining: 5 } });
    await interrupt(running);
    await client.waitFor(isEndOf(late));
    const started = client.messages.filter(isType('execution_start')).filter(isText);
    expect(started.map(({ data }) => data['prompt_id'])).toEqual([running, front, a, b, late]);
  });

  it('pending prompts are the array of a heap, with five elements per item', async () => {
    const running = await startLong(client);
    const ids = [5, 3, 4, 1, 2].map((number) => ({ number, id: randomUUID() }));
    for (const { number, id } of ids) await client.submit({ prompt: flatPicture(), prompt_id: id, number });
    const { queue_pending: pending } = await queue();
    expect(pending.map(([number]) => number)).toEqual([1, 2, 4, 5, 3]);
    expect(pending[0]?.slice(3)).toEqual([{ client_id: client.id }, ['2']]);
    await post(server(), '/queue', { clear: true });
    expect((await queue()).queue_pending).toEqual([]);
    await interrupt(running);
    await client.waitFor(isEndOf(running));
  });
});

describe('the queue and the history', () => {
  it('the history exists after the end marker', async () => {
    for (let i = 0; i < 20; i++) {
      const { promptId } = await client.run({ prompt: flatPicture() });
      expect(await historyOf(server(), promptId)).toBeDefined();
    }
  });

  it('an interrupt while idle does not affect the next prompt', async () => {
    await post(server(), '/interrupt', '');
    const { promptId } = await client.run({ prompt: flatPicture() });
    expect(await historyWhenThere(server(), promptId)).toMatchObject({ status: { status_str: 'success' } });
  });

  it('deleting from the history removes only that entry', async () => {
    const { promptId: kept } = await client.run({ prompt: flatPicture() });
    const { promptId: deleted } = await client.run({ prompt: flatPicture() });
    expect(await post(server(), '/history', { delete: [deleted, 'unknown'] })).toEqual({ status: 200, body: '' });
    expect(await historyOf(server(), deleted)).toBeUndefined();
    expect(await historyOf(server(), kept)).toBeDefined();
  });

  it('the history can be read in pages, the newest entries by default', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await client.run({ prompt: flatPicture() })).promptId);
    const page = async (query: string) => Object.keys((await get(server(), `/history?${query}`)).body as object);
    expect(await page('max_items=2')).toEqual(ids.slice(1));
    expect(await page('max_items=0')).toEqual([]);
    expect((await get(server(), '/history?max_items=x')).status).toBe(500);
    expect(await page('offset=0&max_items=1')).toHaveLength(1);
    expect(await page('offset=1000000')).toEqual([]);
  });

  it('free_memory makes every node run again', async () => {
    const prompt = flatPicture();
    const cachedOnRerun = async (): Promise<unknown> => {
      const from = client.messages.length;
      await client.run({ prompt });
      return client.messages.slice(from).filter(isText).find(isType('execution_cached'))?.data['nodes'];
    };
    await client.run({ prompt });
    expect(await cachedOnRerun()).toEqual(['1', '2']);
    // The idle worker reads the flag, which may be after the next prompt.
    const attempts: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      await post(server(), '/free', { free_memory: true });
      attempts.push(await cachedOnRerun());
    }
    expect(attempts).toContainEqual([]);
  });
});
