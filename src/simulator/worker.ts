import { History } from './history';
import { Run, RunTools } from './run';
import { RunMessages } from './run-messages';
import { PromptQueue, withoutSecrets } from './prompt-queue';
import { SocketHub } from './socket-hub';
import { QueueItem } from './wire';

export interface WorkerContext {
  queue: PromptQueue;
  history: History;
  hub: SocketHub;
  tools: RunTools;
  /** Called after the last message of a prompt. */
  finished(promptId: string): void;
}

/** ComfyUI's worker thread: runs one prompt after the other. An exception outside of a node ends it permanently. */
export class Worker {
  #current: { item: QueueItem; run: Run } | undefined;
  #mustForget = false;

  constructor(private readonly around: WorkerContext) {}

  /** Resolves when the worker has ended. */
  async work(): Promise<void> {
    const { queue, tools } = this.around;
    for (;;) {
      if (queue.hasPending) {
        const death = tools.faults.take('dead-worker');
        if (death?.holding === true) queue.take();
        if (death !== undefined) return;
      }
      const item = queue.take();
      if (item === undefined) await tools.clock.until(queue.idle());
      else await this.#run(item);
      if (this.#mustForget) tools.cache.clear();
      this.#mustForget = false;
    }
  }

  /** Interrupts the running prompt; with an id only if that prompt runs. */
  interrupt(promptId?: string): boolean {
    if (this.#current === undefined || (promptId !== undefined && this.#current.item[1] !== promptId)) return false;
    this.#current.run.interrupt();
    return true;
  }

  /** Drops the node cache after the running prompt, if any. */
  free(): void {
    this.#mustForget = true;
  }

  /** The current node of a client's running prompt. */
  nodeOf(clientId: string): string | undefined {
    return this.#current?.item[3]['client_id'] === clientId ? this.#current.run.currentNode : undefined;
  }

  async #run(item: QueueItem): Promise<void> {
    const { queue, history, hub, tools } = this.around;
    const [, promptId, , extraData] = item;
    const messages = new RunMessages(hub, promptId, extraData['client_id']);
    const run = new Run(item, messages, tools);
    this.#current = { item, run };
    const outcome = await run.execute();
    // ComfyUI sends the last message before it adds the history entry: a client that reads at once finds nothing.
    await tools.clock.yield();
    const lag = tools.faults.take('history-lag', { promptId })?.ms ?? 0;
    history.add(promptId, { prompt: withoutSecrets(item), ...outcome }, lag);
    queue.done(item);
    this.#current = undefined;
    messages.toClient('executing', { node: null, prompt_id: promptId });
    this.around.finished(promptId);
  }
}
