import { randomUUID } from 'node:crypto';
import { historyWhenThere, isEndOf, isText, isType, post } from '../contract/support/raw-client';
import { connect, flatPicture, serverOf, steps, useSimulator } from './support';

const simulator = useSimulator();

describe('node-exception', () => {
  it('ends the run at the node, with the configured message', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({
      kind: 'node-exception',
      classType: 'SaveImage',
      type: 'torch.OutOfMemoryError',
      message: 'no memory',
    });
    const { promptId } = await client.run({ prompt: flatPicture() });
    const [error] = client.messages.filter(isText).filter(isType('execution_error'));
    expect(error?.data).toMatchObject({
      prompt_id: promptId,
      node_id: '2',
      node_type: 'SaveImage',
      executed: ['1'],
      exception_type: 'torch.OutOfMemoryError',
      exception_message: expect.stringMatching(/^no memory\nThis error means you ran out of memory/) as string,
      current_inputs: { filename_prefix: ['contract'] },
      current_outputs: ['1', '2'],
    });
    expect(client.messages.some(isType('execution_success'))).toBe(false);
    const history = await historyWhenThere(serverOf(simulator()), promptId);
    expect(history).toMatchObject({ outputs: {}, status: { status_str: 'error', completed: false } });
    await client.close();
  });

  it('occurs in the middle of a progress bar', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'node-exception', nodeId: '2', atStep: 3 });
    await client.run({ prompt: steps(5) });
    const progress = client.messages.filter(isText).filter(isType('progress'));
    expect(progress.map(({ data }) => data['value'])).toEqual([1, 2]);
    expect(client.messages.some(isType('execution_error'))).toBe(true);
    await client.close();
  });

  it('keeps the outputs of earlier nodes', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'node-exception', nodeId: '3' });
    const prompt = {
      ...flatPicture(),
      '3': { class_type: 'ImageInvert', inputs: { image: ['1', 0] } },
      '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'late' } },
    };
    const { promptId } = await client.run({ prompt });
    const { outputs } = await historyWhenThere(serverOf(simulator()), promptId);
    expect(Object.keys(outputs as object)).toEqual(['2']);
    await client.close();
  });
});

describe('execution-blocked', () => {
  it('sends an error that does not end the run, which succeeds without outputs', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'execution-blocked', nodeId: '2', message: 'not allowed' });
    const { promptId } = await client.run({ prompt: flatPicture() });
    const [error] = client.messages.filter(isText).filter(isType('execution_error'));
    expect(error?.data).toMatchObject({
      exception_type: 'ExecutionBlocked',
      exception_message: 'Execution Blocked: not allowed',
    });
    expect(error?.data).not.toHaveProperty('timestamp');
    expect(client.messages.some(isType('execution_success', promptId))).toBe(true);
    const history = await historyWhenThere(serverOf(simulator()), promptId);
    expect(history).toMatchObject({ outputs: {}, status: { status_str: 'success' } });
    await client.close();
  });

  it('without a message blocks all successors silently', async () => {
    const client = await connect(simulator());
    simulator().faults.arm({ kind: 'execution-blocked', nodeId: '1' });
    await client.run({ prompt: flatPicture() });
    expect(client.messages.some(isType('execution_error'))).toBe(false);
    expect(client.messages.some(isType('executed'))).toBe(false);
    await client.close();
  });
});

it('nan-output sends numbers that are not JSON, to the socket and in the history', async () => {
  simulator().faults.arm({ kind: 'nan-output', classType: 'SaveImage' });
  const promptId = randomUUID();
  await post(serverOf(simulator()), '/prompt', { prompt: flatPicture(), prompt_id: promptId });
  const read = async (): Promise<string> => (await fetch(`${simulator().url}/history/${promptId}`)).text();
  let history = await read();
  for (; history === '{}'; history = await read());
  expect(history).toContain('"score": [NaN, Infinity]');
  expect(() => JSON.parse(history) as unknown).toThrow(SyntaxError);
});

it('a fault can be restricted to one prompt', async () => {
  const client = await connect(simulator());
  const [unaffected, affected] = [randomUUID(), randomUUID()];
  simulator().faults.arm({ kind: 'node-exception', promptId: affected });
  for (const promptId of [unaffected, affected]) {
    await client.submit({ prompt: flatPicture(), prompt_id: promptId });
    await client.waitFor(isEndOf(promptId));
  }
  const failed = client.messages.filter(isText).filter(isType('execution_error'));
  expect(failed.map(({ data }) => data['prompt_id'])).toEqual([affected]);
  await client.close();
});
