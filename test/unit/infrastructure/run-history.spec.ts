import { lastNodes } from '../../../src/domain/workflow/last-nodes';
import { parseWorkflow } from '../../../src/domain/workflow/parse-workflow';
import { readHistory } from '../../../src/infrastructure/comfyui/wire-responses';
import { readTextFrame } from '../../../src/infrastructure/comfyui/wire-frames';
import { readTrace, textFrames } from '../../support/traces';

/** The events that a real ComfyUI sent during a run, and its history of the run. */
function recorded(name: string) {
  const trace = readTrace(name);
  const { prompt } = trace.find(({ req }) => req === 'POST /prompt')!.body as { prompt: unknown };
  const request = trace.findIndex(({ req }) => req?.startsWith('GET /history/'));
  const response = trace.slice(request).find(({ status }) => status === 200)?.body;
  const promptId = trace[request]?.req?.replace('GET /history/', '') ?? '';
  const signals = textFrames(name).flatMap((frame) => {
    const parsed = readTextFrame(frame);
    return parsed?.about === 'run' ? [parsed.signal] : [];
  });
  const outputs = signals.flatMap((signal) =>
    signal.kind === 'executed' ? [[signal.nodeId, signal.output] as const] : [],
  );
  return {
    received: {
      outcome: signals.find(({ kind }) => kind === 'ended'),
      outputs: new Map(outputs),
      cached: signals.find(({ kind }) => kind === 'cached'),
    },
    last: lastNodes(parseWorkflow(prompt)),
    history: readHistory(response, promptId),
  };
}

describe('the history of a run whose events were received', () => {
  it.each([
    'txt2img-first-run',
    'normal-run',
    'load-image-run',
    'model-free-run',
    'node-expansion-run',
    'progress-text-binary-run',
  ])('contains nothing new: %s', (name) => {
    const { received, last, history } = recorded(name);
    expect(received).toMatchObject({ outcome: { outcome: history?.outcome }, cached: { nodeIds: [] } });
    expect(last.filter((nodeId) => !received.outputs.has(nodeId))).toEqual([]);
    expect(received.outputs).toEqual(history?.outputs);
    expect(history?.cached).toEqual([]);
  });

  it.each(['no-client-id-run', 'execution-blocked-message-run', 'output-node-without-ui'])(
    'must be read if a last node sent no output: %s',
    (name) => {
      const { received, last } = recorded(name);
      expect(last.filter((nodeId) => received.outputs.has(nodeId))).toEqual([]);
    },
  );
});
