import { pictureName } from './pictures';

/** More than there are callers; each kept run is work for the garbage collector. */
const KEPT_RUNS = 1_000;

interface Prompt {
  readonly prompt: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
  readonly prompt_id: string;
  readonly client_id?: string;
}

export interface Run {
  readonly promptId: string;
  readonly clientId: string | undefined;
  readonly number: number;
  /** What ComfyUI sends to the socket of the prompt, in its order. */
  readonly messages: readonly string[];
}

interface KeptRun {
  readonly entry: object;
  readonly names: readonly string[];
}

/** The runs of the stand-in: each one is over when it is added. The graph is that of `requestBody`. */
export class Runs {
  readonly #kept = new Map<string, KeptRun>();
  readonly #sides = new Map<string, number>();
  #count = 0;

  add(body: Buffer): Run {
    const { prompt, prompt_id: promptId, client_id: clientId } = JSON.parse(body.toString()) as Prompt;
    const { width, batch_size: count } = prompt['1']!.inputs;
    const names = Array.from({ length: Number(count) }, (_, index) => {
      return pictureName(String(prompt['2']!.inputs.filename_prefix), index);
    });
    for (const name of names) this.#sides.set(name, Number(width));
    const output = { images: names.map(toReference) };
    const number = (this.#count += 1);
    const entry = historyEntry(promptId, [number, promptId, prompt, {}, ['2']], output);
    this.#keep(promptId, { entry, names });
    return { promptId, clientId, number, messages: messagesOf(promptId, output) };
  }

  /** As `GET /history/{id}` returns it. */
  history(promptId: string): object {
    const run = this.#kept.get(promptId);
    return run ? { [promptId]: run.entry } : {};
  }

  /** Of a picture that a kept run saved, pixels. */
  sideOf(name: string): number | undefined {
    return this.#sides.get(name);
  }

  #keep(promptId: string, run: KeptRun): void {
    this.#kept.set(promptId, run);
    if (this.#kept.size <= KEPT_RUNS) return;
    const [oldestId, oldest] = this.#kept.entries().next().value!;
    this.#kept.delete(oldestId);
    for (const name of oldest.names) this.#sides.delete(name);
  }
}

function toReference(name: string): object {
  const slash = name.lastIndexOf('/');
  return { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(slash, 0)), type: 'output' };
}

function messagesOf(promptId: string, output: object): string[] {
  const about = { prompt_id: promptId };
  const progress = { value: 1, max: 1, node: '1', ...about };
  return [
    status(1),
    message('execution_start', { ...about, timestamp: Date.now() }),
    message('execution_cached', { nodes: [], ...about, timestamp: Date.now() }),
    message('executing', { node: '1', display_node: '1', ...about }),
    message('progress', progress),
    message('executing', { node: '2', display_node: '2', ...about }),
    message('executed', { node: '2', display_node: '2', output, ...about }),
    message('execution_success', { ...about, timestamp: Date.now() }),
    message('executing', { node: null, ...about }),
    status(0),
  ];
}

function status(remaining: number): string {
  return message('status', { status: { exec_info: { queue_remaining: remaining } } });
}

function historyEntry(promptId: string, prompt: readonly unknown[], output: object): object {
  const about = { prompt_id: promptId, timestamp: Date.now() };
  const messages = [
    ['execution_start', about],
    ['execution_cached', { nodes: [], ...about }],
    ['execution_success', about],
  ];
  return { prompt, outputs: { '2': output }, status: { status_str: 'success', completed: true, messages }, meta: {} };
}

function message(type: string, data: object): string {
  return JSON.stringify({ type, data });
}
