import { PromptBody } from './raw-client';
import { Trace } from './traces';

/** The temporary node classes of the recording and the simulator's equivalents. */
const CLASSES: Record<string, (inputs: Record<string, unknown>) => [name: string, inputs: Record<string, unknown>]> = {
  TSlow: ({ image, steps, preview }) => ['SimulatedSleep', { image, steps, preview, seconds: 0.1 }],
  TBlock: ({ image, msg }) => ['SimulatedBlocker', { image, message: msg }],
  TBoom: ({ image }) => ['SimulatedSleep', { image, steps: 0, preview: false, seconds: 0 }],
  TNoUI: ({ image }) => ['SimulatedSink', { source: image }],
  TVal: () => ['LoadImage', { image: 'not here.png' }],
};

/** The same graph with the simulator's classes. */
export function withSimulatedNodes(body: PromptBody): PromptBody {
  const nodes = Object.entries(body.prompt).map(([id, node]) => {
    const [class_type, inputs] = CLASSES[node.class_type]?.(node.inputs) ?? [node.class_type, node.inputs];
    return [id, { ...node, class_type, inputs }] as const;
  });
  return { ...body, prompt: Object.fromEntries(nodes) };
}

/** The recording with all class names replaced as in {@link withSimulatedNodes}. */
export function renamed(trace: Trace): Trace {
  const text = JSON.stringify({
    ...trace,
    messages: trace.messages.map((m) => (Buffer.isBuffer(m) ? m.toString('hex') : m)),
  });
  const plain = text.replace(/"node_type":"(T\w+)"/g, (_, name: string) => `"node_type":"${CLASSES[name]?.({})[0]}"`);
  const parsed = JSON.parse(plain) as Omit<Trace, 'messages'> & { messages: (Trace['messages'][number] | string)[] };
  return { ...parsed, messages: parsed.messages.map((m) => (typeof m === 'string' ? Buffer.from(m, 'hex') : m)) };
}
