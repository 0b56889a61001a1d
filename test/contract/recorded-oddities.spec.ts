import { randomUUID } from 'node:crypto';
import { normaliseMessage } from './support/normalise';
import { historyWhenThere, isText, isType, post, PromptBody, RawClient } from './support/raw-client';
import { comparable, clearCache, replay, Replayed } from './support/replay';
import { describeSimulator, useServer } from './support/server';
import { renamed, withSimulatedNodes } from './support/simulated';
import { readTrace, Trace } from './support/traces';

/** Recorded with temporary node classes, which a real server does not have. */
describeSimulator('a recorded special case is reproduced', () => {
  const server = useServer();
  let client: RawClient;
  afterEach(() => client.close());

  const recorded = (name: string): { trace: Trace; body: PromptBody } => {
    const trace = readTrace(name);
    return { trace: renamed(trace), body: withSimulatedNodes(trace.submitted) };
  };

  const connect = async (flags?: object): Promise<void> => {
    client = await RawClient.connect(server(), flags && { flags });
    await clearCache(client);
  };

  const replayRecorded = async (name: string): Promise<{ replayed: Replayed; trace: Trace }> => {
    const { trace, body } = recorded(name);
    return { trace, replayed: await replay(client, body) };
  };

  it('a node with a progress bar and previews', async () => {
    await connect();
    const { replayed, trace } = await replayRecorded('normal-run');
    expect(comparable(replayed)).toEqual(comparable(trace));
  });

  it('a fully cached run', async () => {
    await connect();
    await replay(client, recorded('fully-cached-run').body);
    const { replayed, trace } = await replayRecorded('fully-cached-run');
    expect(comparable(replayed)).toEqual(comparable(trace));
  });

  it('a partly cached run, with previews that contain ids', async () => {
    await connect({ supports_preview_metadata: true });
    await replay(client, recorded('normal-run').body);
    const { replayed, trace } = await replayRecorded('partly-cached-run-preview-metadata');
    expect(comparable(replayed)).toEqual(comparable(trace));
  });

  it('a prompt without a client: only progress and previews are sent, as broadcasts', async () => {
    await connect();
    await replay(client, recorded('normal-run').body);
    const { trace, body } = recorded('no-client-id-run');
    const [promptId, from] = [randomUUID(), client.messages.length];
    const { client_id: _none, ...anonymous } = body;
    await post(server(), '/prompt', { ...anonymous, prompt_id: promptId });
    const history = await historyWhenThere(server(), promptId);
    await client.until(() => client.messages.length >= from + trace.messages.length - 1);
    expect(client.messages.slice(from).map(normaliseMessage)).toEqual(trace.messages.slice(1).map(normaliseMessage));
    expect(history).toMatchObject({ outputs: { '3': {} }, status: { status_str: 'success' } });
  });

  it('a node that raises an exception', async () => {
    await connect();
    server().simulator?.faults.arm({
      kind: 'node-exception',
      nodeId: '2',
      type: 'ValueError',
      message: 'boom boom',
    });
    const { replayed, trace } = await replayRecorded('node-exception-run');
    expect(comparable(replayed)).toEqual(comparable(trace));
    const [error] = replayed.messages.filter(isType('execution_error')).filter(isText);
    expect(error?.data['current_inputs']).toMatchObject({ steps: [0], preview: [false], image: [expect.any(String)] });
  });

  it('an execution_error that does not end the run', async () => {
    await connect();
    const { replayed, trace } = await replayRecorded('execution-blocked-message-run');
    expect(comparable(replayed)).toEqual(comparable(trace));
  });

  it('a submission with one refused output', async () => {
    await connect();
    const { trace, body } = recorded('partially-valid-submit');
    // The refused class of the recording was an output node: here SaveImage depends on a missing image.
    const prompt: PromptBody['prompt'] = {
      ...body.prompt,
      '4': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'x' } },
      '5': { class_type: 'LoadImage', inputs: { image: 'not here.png' } },
    };
    const replayed = await replay(client, { ...body, prompt });
    expect(replayed.response.body).toMatchObject({
      node_errors: { '5': { dependent_outputs: ['4'], class_type: 'LoadImage' } },
    });
    expect(comparable({ ...replayed, response: trace.response })).toEqual(comparable(trace));
  });

  it('an output node without UI output, and the same cached', async () => {
    await connect();
    for (const name of ['output-node-without-ui', 'output-node-without-ui-cached']) {
      const { replayed, trace } = await replayRecorded(name);
      expect(comparable(replayed)).toEqual(comparable(trace));
    }
  });

  it('text below a node, as a binary frame', async () => {
    await connect();
    const { replayed, trace } = await replayRecorded('progress-text-binary-run');
    expect(comparable(replayed)).toEqual(comparable(trace));
  });

  it('an interrupt between two steps', async () => {
    await connect();
    const held = server().simulator?.faults.arm({ kind: 'hold', nodeId: '2' });
    const { trace, body } = recorded('interrupted-run');
    const promptId = randomUUID();
    await client.submit({ ...body, client_id: client.id, prompt_id: promptId });
    await held?.struck;
    await post(server(), '/interrupt', { prompt_id: promptId });
    held?.clear();
    const interrupted = await client.waitFor(isType('execution_interrupted', promptId));
    const recordedMessage = trace.messages.find(isType('execution_interrupted'));
    expect(normaliseMessage(interrupted)).toEqual(recordedMessage && normaliseMessage(recordedMessage));
    await historyWhenThere(server(), promptId);
  });
});
