import { lastNodes } from '../../../src/domain/workflow/last-nodes';
import { parseWorkflow } from '../../../src/domain/workflow/parse-workflow';
import { readHistory } from '../../../src/infrastructure/comfyui/wire-answers';
import { readTextFrame } from '../../../src/infrastructure/comfyui/wire-frames';
import { readTrace, textFrames } from '../../support/traces';

/** What a real ComfyUI told of a run while it went on, and what its history told of it later. */
function recorded(name: string) {
  const trace = readTrace(name);
  const { prompt } = trace.find(({ req }) => req === 'POST /prompt')!.body as { prompt: unknown };
  const asked = trace.findIndex(({ req }) => req?.startsWith('GET /history/'));
  const answer = trace.slice(asked).find(({ status }) => status === 200)?.body;
  const promptId = trace[asked]?.req?.replace('GET /history/', '') ?? '';
  const signals = textFrames(name).flatMap((frame) => {
    const read = readTextFrame(frame);
    return read?.about === 'run' ? [read.signal] : [];
  });
  const outputs = signals.flatMap((signal) =>
    signal.kind === 'executed' ? [[signal.nodeId, signal.output] as const] : [],
  );
  return {
    heard: {
      outcome: signals.find(({ kind }) => kind === 'ended'),
      outputs: new Map(outputs),
      cached: signals.find(({ kind }) => kind === 'cached'),
    },
    last: lastNodes(parseWorkflow(prompt)),
    history: readHistory(answer, promptId),
  };
}

describe('the history of a run that was heard', () => {
  it.each([
    'txt2img-first-run',
    'normal-run',
    'load-image-run',
    'model-free-run',
    'node-expansion-run',
    'progress-text-binary-run',
  ])('tells nothing new: %s', (name) => {
    const { heard, last, history } = recorded(name);
    expect(heard).toMatchObject({ outcome: { outcome: history?.outcome }, cached: { nodeIds: [] } });
    expect(last.filter((nodeId) => !heard.outputs.has(nodeId))).toEqual([]);
    expect(heard.outputs).toEqual(history?.outputs);
    expect(history?.cached).toEqual([]);
  });

  it.each(['no-client-id-run', 'execution-blocked-message-run', 'output-node-without-ui'])(
    'has to be read where a last node was not heard of: %s',
    (name) => {
      const { heard, last } = recorded(name);
      expect(last.filter((nodeId) => heard.outputs.has(nodeId))).toEqual([]);
    },
  );
});
