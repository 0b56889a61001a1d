import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { historyWhenThere, isEndOf, isText, isType, post, RawClient, Received } from './support/raw-client';
import { describeWithModel, useServer } from './support/server';
import { flatPicture, longSampling } from './support/workflows';

const server = useServer();

const types = (messages: Received[]): string[] => messages.filter(isText).map(({ type }) => type);

const PING_TIMEOUT = 10_000;

async function answersPing(client: RawClient): Promise<boolean> {
  client.socket.ping();
  return once(client.socket, 'pong', { signal: AbortSignal.timeout(PING_TIMEOUT) }).then(
    () => true,
    () => false,
  );
}

describe('a socket', () => {
  it('first receives a status with its id, which later ones do not contain', async () => {
    const client = await RawClient.connect(server());
    expect(client.messages[0]).toEqual({
      type: 'status',
      data: { status: { exec_info: { queue_remaining: 0 } }, sid: client.id },
    });
    await client.run({ prompt: flatPicture() });
    const later = client.messages.slice(1).filter(isType('status')).filter(isText);
    expect(later.length).toBeGreaterThanOrEqual(3);
    expect(later.every(({ data }) => !('sid' in data))).toBe(true);
    await client.close();
  });

  it('receives an id if it sends none', async () => {
    const url = `${server().url.replace(/^http/, 'ws')}/api/ws`;
    const socket = new WebSocket(url, { headers: server().headers });
    const [first] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(first.toString())).toMatchObject({
      data: { sid: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    });
    socket.close();
  });

  it('receives feature flags in response to its own, once, and only if they are its first message', async () => {
    const client = await RawClient.connect(server(), { flags: { supports_preview_metadata: true } });
    const [response] = client.messages.filter(isType('feature_flags')).filter(isText);
    expect(response?.data).toMatchObject({
      supports_preview_metadata: true,
      max_upload_size: expect.any(Number) as number,
    });
    client.send({ type: 'feature_flags', data: {} });
    const other = await RawClient.connect(server());
    other.send({ type: 'something else' });
    other.send({ type: 'feature_flags', data: {} });
    await client.run({ prompt: flatPicture() });
    expect(types(client.messages).filter((type) => type === 'feature_flags')).toHaveLength(1);
    expect(types(other.messages)).not.toContain('feature_flags');
    await client.close();
    await other.close();
  });

  it('that sends a message above 4 MiB is closed with 1009', async () => {
    const client = await RawClient.connect(server());
    client.socket.send('x'.repeat(5 * 1024 * 1024));
    await client.closed();
    expect(client.closeCode).toBe(1009);
  });
});

describe('messages are sent', () => {
  it('to the client of the prompt; others receive only status', async () => {
    const [mine, other] = [await RawClient.connect(server()), await RawClient.connect(server())];
    await mine.run({ prompt: flatPicture() });
    await other.until(() => other.messages.filter(isType('status')).length >= 4);
    expect(new Set(types(other.messages))).toEqual(new Set(['status']));
    await mine.close();
    await other.close();
  });

  it('to no socket or to all, if the prompt has no client', async () => {
    const client = await RawClient.connect(server());
    const promptId = randomUUID();
    await post(server(), '/prompt', { prompt: flatPicture(), prompt_id: promptId });
    await historyWhenThere(server(), promptId);
    await client.until(() => client.messages.filter(isType('status')).length >= 4);
    expect(new Set(types(client.messages))).toEqual(new Set(['status', 'progress_state']));
    await client.close();
  });

  it('to no socket if the client is disconnected, but the history is complete', async () => {
    const [stranger, promptId] = [randomUUID(), randomUUID()];
    await post(server(), '/prompt', { prompt: flatPicture(), prompt_id: promptId, client_id: stranger });
    const history = await historyWhenThere(server(), promptId);
    expect(history).toMatchObject({ status: { completed: true } });
    const client = await RawClient.connect(server(), { id: stranger });
    await client.run({ prompt: flatPicture() });
    expect(client.messages.filter(isText).some(({ data }) => data['prompt_id'] === promptId)).toBe(false);
    await client.close();
  });
});

describeWithModel('a client that reconnects while its prompt runs', () => {
  it('receives the running node, without the prompt, and the later messages', async () => {
    const first = await RawClient.connect(server());
    const promptId = randomUUID();
    await first.submit({ prompt: longSampling(), prompt_id: promptId });
    await first.waitFor(isType('progress', promptId));
    await first.close();
    const second = await RawClient.connect(server(), { id: first.id });
    const snapshot = await second.waitFor(isType('executing'));
    expect(snapshot).toEqual({ type: 'executing', data: { node: '3' } });
    expect(second.messages.indexOf(snapshot)).toBe(1);
    await second.waitFor(isType('progress', promptId));
    await post(server(), '/interrupt', { prompt_id: promptId });
    await second.waitFor(isEndOf(promptId));
    await second.close();
  });
});

describe('a client that reconnects', () => {
  it('before its old socket closes replaces it; and when either closes, the other receives nothing more', async () => {
    const first = await RawClient.connect(server());
    const second = await RawClient.connect(server(), { id: first.id });
    const received = first.messages.length;
    await second.run({ prompt: flatPicture() });
    expect(first.messages).toHaveLength(received);
    await first.close();
    const from = second.messages.length;
    const promptId = randomUUID();
    await second.submit({ prompt: flatPicture(), prompt_id: promptId });
    await historyWhenThere(server(), promptId);
    expect(await answersPing(second)).toBe(true);
    expect(second.messages.slice(from)).toEqual([]);
    await second.close();
  });
});
