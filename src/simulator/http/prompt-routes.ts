import { randomUUID } from 'node:crypto';
import { PythonError, pythonFloat, pythonItems, pythonStr } from '../python-values';
import { ServerProcess } from '../server-process';
import { validatePrompt } from '../validation';
import { ApiError, isObject, Json, JsonObject, QueueItem } from '../wire';
import { Exchange, Reply } from './exchange';
import { empty, json } from './replies';
import { Router } from './router';

const NO_PROMPT: ApiError = {
  type: 'no_prompt',
  message: 'No prompt provided',
  details: 'No prompt provided',
  extra_info: {},
};

const INVALID_ID: ApiError = {
  type: 'invalid_prompt_id',
  message: 'prompt_id must be a valid UUID',
  details:
    'prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to let the server generate one',
  extra_info: {},
};

const CANONICAL_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const refuse = (error: ApiError, nodeErrors: object = {}): Reply => json({ error, node_errors: nodeErrors }, 400);

/** Python's `in` and `[]` on any JSON value; undefined if the key does not exist. */
function member(body: Json, key: string): Json | undefined {
  if (isObject(body)) return Object.hasOwn(body, key) ? body[key] : undefined;
  const isContainer = typeof body === 'string' || Array.isArray(body);
  if (isContainer && !body.includes(key)) return undefined;
  throw new PythonError('TypeError', 'the body is not an object');
}

/** Submission, the queue and interruption. */
export class PromptRoutes {
  /** Counts every request without a `number`, including refused ones. */
  #counter = 0;

  constructor(private readonly process: ServerProcess) {}

  addTo(router: Router): void {
    router
      .add('GET', '/prompt', () => json({ exec_info: { queue_remaining: this.process.queue.remaining } }))
      .add('POST', '/prompt', (exchange) => this.#submit(exchange))
      .add('GET', '/queue', () => this.#queue())
      .add('POST', '/queue', (exchange) => this.#changeQueue(exchange))
      .add('POST', '/interrupt', (exchange) => this.#interrupt(exchange))
      .add('POST', '/free', (exchange) => this.#free(exchange));
  }

  async #submit(exchange: Exchange): Promise<Reply | undefined> {
    const body = await exchange.json();
    const number = this.#priority(body);
    const graph = member(body, 'prompt');
    if (graph === undefined) return refuse(NO_PROMPT);
    const promptId = this.#promptId(member(body, 'prompt_id'));
    if (promptId === undefined) return refuse(INVALID_ID);
    const targets = member(body, 'partial_execution_targets');
    const { error, prompt, outputs, nodeErrors } = validatePrompt(graph, targets, promptId, this.process);
    if (error !== undefined) return refuse(error, nodeErrors);
    const item: QueueItem = [number, promptId, prompt, this.#extraData(body), outputs];
    const answer = json({ prompt_id: promptId, number, node_errors: nodeErrors });
    return (await this.process.accept(item, exchange)) ? answer : undefined;
  }

  #priority(body: Json): number {
    const number = member(body, 'number');
    if (number !== undefined) return pythonFloat(number);
    const count = this.#counter;
    this.#counter += 1;
    return member(body, 'front') ? -count || 0 : count;
  }

  /** 0.3.64 converts any value to a string: null becomes "None". */
  #promptId(requested: Json | undefined): string | undefined {
    const isIgnored = requested !== undefined && this.process.faults.take('ignore-prompt-id') !== undefined;
    if (requested === undefined || isIgnored) return randomUUID();
    if (this.process.protocol === '0.3.64') return pythonStr(requested);
    if (requested === null) return randomUUID();
    return typeof requested === 'string' && CANONICAL_UUID.test(requested) ? requested : undefined;
  }

  #extraData(body: Json): JsonObject {
    const requested = member(body, 'extra_data');
    const clientId = member(body, 'client_id');
    if (clientId !== undefined && requested !== undefined && !isObject(requested))
      throw new PythonError('TypeError', 'extra_data is not an object');
    const extra = isObject(requested) ? requested : {};
    if (clientId !== undefined) extra['client_id'] = clientId;
    if (this.process.protocol === '0.38') extra['create_time'] = Date.now();
    return extra;
  }

  #queue(): Reply {
    const { queue } = this.process;
    return json({
      queue_running: queue.running.map((item) => this.process.shown(item)),
      queue_pending: queue.pending.map((item) => this.process.shown(item)),
    });
  }

  async #changeQueue(exchange: Exchange): Promise<Reply> {
    const body = await exchange.json();
    if (member(body, 'clear')) this.process.queue.clear();
    const ids = member(body, 'delete');
    for (const id of ids === undefined ? [] : pythonItems(ids)) {
      if (typeof id === 'string') this.process.queue.delete(id);
    }
    return empty();
  }

  /** Always answers 200; without a readable body it interrupts the running prompt. */
  async #interrupt(exchange: Exchange): Promise<Reply> {
    const body = await exchange.json().catch((error: unknown) => {
      if (error instanceof SyntaxError) return {};
      throw error;
    });
    if (!isObject(body)) throw new PythonError('AttributeError', "no attribute 'get'");
    const promptId = body['prompt_id'];
    this.process.interrupt(promptId ? pythonStr(promptId) : undefined);
    return empty();
  }

  async #free(exchange: Exchange): Promise<Reply> {
    const body = await exchange.json();
    if (!isObject(body)) throw new PythonError('AttributeError', "no attribute 'get'");
    if (body['free_memory']) this.process.free();
    return empty();
  }
}
