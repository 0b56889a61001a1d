import { readBinaryFrame, readTextFrame } from '../../../src/infrastructure/comfyui/wire-frames';
import { readTrace, textFrames } from '../../support/traces';

/** A summary of the events of a recorded run. */
function story(trace: string): string[] {
  return textFrames(trace).flatMap((frame) => {
    const read = readTextFrame(frame);
    if (read?.about !== 'run') return [];
    const { signal } = read;
    if (signal.kind === 'executing' || signal.kind === 'executed') return [`${signal.kind} ${signal.nodeId}`];
    if (signal.kind === 'ended') return [`ended ${signal.outcome.kind}`];
    return signal.kind === 'nodes' ? [] : [signal.kind];
  });
}

describe('text frames of a real server', () => {
  it('report a normal run', () => {
    expect(story('normal-run')).toEqual([
      'started',
      'cached',
      'executing 1',
      'executing 2',
      'step',
      'step',
      'executing 3',
      'executed 3',
      'ended succeeded',
      'finished',
    ]);
  });

  it('report a cached run', () => {
    expect(story('fully-cached-run')).toEqual(['started', 'cached', 'executed 3', 'ended succeeded', 'finished']);
  });

  it('report a failed node with its message', () => {
    expect(story('node-exception-run')).toEqual([
      'started',
      'cached',
      'executing 1',
      'executing 2',
      'ended failed',
      'finished',
    ]);
    const signals = textFrames('node-exception-run').map(readTextFrame);
    const ended = signals.find((frame) => frame?.about === 'run' && frame.signal.kind === 'ended');
    expect(ended).toMatchObject({
      signal: {
        outcome: { failure: { nodeId: '2', classType: 'TBoom', message: 'boom boom\n', exceptionType: 'ValueError' } },
      },
    });
  });

  it('do not report a blocked node as the end of its run', () => {
    expect(story('execution-blocked-message-run').filter((word) => word.startsWith('ended'))).toEqual([
      'ended succeeded',
    ]);
  });

  it('report an interrupted run', () => {
    expect(story('interrupted-run').slice(-2)).toEqual(['ended interrupted', 'finished']);
  });

  it('report nodes created at run time under the node that created them', () => {
    expect(story('node-expansion-run').filter((word) => word.startsWith('executing'))).toEqual([
      'executing 2',
      'executing 2',
      'executing 2',
      'executing 3',
    ]);
  });

  it('contain the states of all nodes', () => {
    const states = textFrames('normal-run').flatMap((frame) => {
      const read = readTextFrame(frame);
      return read?.about === 'run' && read.signal.kind === 'nodes' ? [read.signal.nodes] : [];
    });
    expect(states.at(-1)).toEqual(['1', '2', '3'].map((nodeId) => expect.objectContaining({ nodeId, finished: true })));
  });

  it.each([
    '',
    'garbage',
    '[]',
    '{"type":"crystools.monitor","data":{"cpu":5}}',
    '{"type":"executing","data":5}',
    '{"type":"executing","data":{"prompt_id":"x"}}',
    '{"type":"progress","data":{"prompt_id":"x","node":null,"value":1,"max":2}}',
    '{"type":5,"data":{}}',
  ])('that are unknown or malformed are ignored: %s', (frame) => {
    expect(readTextFrame(frame)).toBeUndefined();
  });

  it('are parsed even if they contain NaN', () => {
    const frame = '{"type":"executed","data":{"node":"1","display_node":"1","output":{"x":[NaN]},"prompt_id":"p"}}';
    expect(readTextFrame(frame)).toMatchObject({ promptId: 'p', signal: { kind: 'executed', output: { x: [null] } } });
  });
});

describe('binary frames', () => {
  it('of type 4, recorded with a real server, contain the ids of the prompt and the node', () => {
    const frames = readTrace('txt2img-preview-metadata-run').filter(({ bin_head_hex }) => bin_head_hex !== undefined);
    expect(frames).toHaveLength(3);
    for (const { bin_head_hex = '' } of frames) {
      const read = readBinaryFrame(Buffer.from(bin_head_hex, 'hex'));
      expect(read).toMatchObject({
        promptId: '8b35d582-f0a5-42d9-b1ea-cfdb0802ec67',
        signal: { kind: 'preview', preview: { mediaType: 'image/jpeg', nodeId: '3' } },
      });
      const image = read?.about === 'run' && read.signal.kind === 'preview' ? read.signal.preview.image : undefined;
      expect(image?.subarray(0, 2).toString('hex')).toBe('ffd8');
    }
  });

  it('of type 1 contain an image and no ids', () => {
    expect(readBinaryFrame(Buffer.from('0000000100000002aabb', 'hex'))).toEqual({
      about: 'run',
      promptId: null,
      signal: { kind: 'preview', preview: { mediaType: 'image/png', image: Buffer.from('aabb', 'hex'), nodeId: null } },
    });
  });

  it.each([
    '',
    '00000001',
    '00000003000000013577',
    '0000000400ffffff7b7d',
    '00000009000000017b',
    '00000004000000027b7b',
  ])('that are unknown, short or have a wrong length are ignored: %s', (hex) => {
    expect(readBinaryFrame(Buffer.from(hex, 'hex'))).toBeUndefined();
  });
});
