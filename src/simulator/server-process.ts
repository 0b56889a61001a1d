import { setMaxListeners } from 'node:events';
import { Exchange } from './http/exchange';
import { features } from './http/system-routes';
import { FileNaming } from './file-naming';
import { Files } from './files';
import { Faults, Occasion } from './faults';
import { History } from './history';
import { NodeCache } from './node-cache';
import { Inventory } from './nodes/definition';
import { Protocol, Settings } from './options';
import { SimulatedClock } from './simulated-clock';
import { EncodedPictures } from './pictures/encoded-pictures';
import { PromptQueue, withoutSecrets } from './prompt-queue';
import { SocketHub } from './socket-hub';
import { QueueItem } from './wire';
import { Worker } from './worker';

export interface ProcessEvents {
  /** Called after a message was sent or a prompt accepted (`submit`). May end the process. */
  moment(occasion: Occasion): void;
}

/** The in-memory state of a ComfyUI process, from its start to its end. Files survive it, except temporary ones. */
export class ServerProcess {
  readonly protocol: Protocol;
  readonly inventory: Inventory;
  readonly history = new History();
  readonly queue: PromptQueue;
  readonly hub: SocketHub;
  finishedCount = 0;
  readonly #death = new AbortController();
  readonly #workers: Worker[];
  #ended: Promise<unknown> = Promise.resolve();
  readonly #waiting = new Map<string, () => void>();

  constructor(
    readonly settings: Settings,
    readonly files: Files,
    readonly faults: Faults,
    private readonly events: ProcessEvents,
  ) {
    this.protocol = settings.protocol;
    const { checkpoints, loras, missingNodes } = settings;
    this.inventory = { files, checkpoints, loras, missingNodes };
    this.queue = new PromptQueue(() => this.hub.broadcastStatus());
    this.hub = new SocketHub(
      {
        queueRemaining: () => this.queue.remaining,
        runningNode: (clientId) => this.#workers.map((worker) => worker.nodeOf(clientId)).find(Boolean),
        features: () => features(settings.protocol, settings.maxUploadSize),
      },
      faults,
      (occasion) => events.moment(occasion),
    );
    // Every wait listens for the end of the process, and any number of requests may wait.
    setMaxListeners(0, this.#death.signal);
    files.clearTemp();
    this.#workers = this.#startWorkers();
  }

  get isDead(): boolean {
    return this.#death.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.#death.signal;
  }

  /** Queues a prompt and returns whether its POST gets a response. */
  async accept(item: QueueItem, exchange: Exchange): Promise<boolean> {
    const [, promptId] = item;
    const clock = new SimulatedClock('instant', this.signal);
    const stuck = this.faults.take('late-arrival');
    if (stuck !== undefined) await clock.real(stuck.ms);
    const lost = this.faults.take('lost-post-answer');
    if (lost?.accepted === false) return this.#cut(exchange);
    const late = this.faults.take('late-post-answer');
    const ended = late && new Promise<void>((resolve) => this.#waiting.set(promptId, resolve));
    this.queue.put(item);
    if (this.faults.take('silent-disappearance', { promptId }) !== undefined) this.queue.delete(promptId);
    this.events.moment({ moment: 'submit', promptId });
    if (lost !== undefined || this.isDead) return this.#cut(exchange);
    if (late?.ms !== undefined) await clock.real(late.ms);
    else if (ended !== undefined) await clock.until(ended);
    return true;
  }

  interrupt(promptId?: string): void {
    for (const worker of this.#workers) worker.interrupt(promptId);
  }

  free(): void {
    for (const worker of this.#workers) worker.free();
    this.queue.wake();
  }

  /** A queue item in the format of this version: newer ones hide API keys. */
  shown(item: QueueItem): QueueItem {
    return this.protocol === '0.38' ? withoutSecrets(item) : item;
  }

  /** Stops sending when it returns, and writing when its promise resolves. */
  async kill(): Promise<void> {
    this.#death.abort();
    this.hub.terminateAll();
    await this.#ended;
  }

  #cut(exchange: Exchange): false {
    exchange.cut();
    return false;
  }

  #startWorkers(): Worker[] {
    const { files, faults, settings } = this;
    const shared = { files, naming: new FileNaming(files), encoded: new EncodedPictures(), faults };
    const clock = new SimulatedClock(settings.speed, this.signal);
    const workers = Array.from({ length: settings.concurrency }, () => {
      const tools = { ...shared, clock, cache: new NodeCache(this.inventory), previews: settings.previews };
      const { queue, history, hub } = this;
      return new Worker({ queue, history, hub, tools, finished: (id) => this.#finished(id) });
    });
    // A worker ends silently, by a fault, an exception or the end of the process.
    this.#ended = Promise.allSettled(workers.map((worker) => worker.work()));
    return workers;
  }

  #finished(promptId: string): void {
    this.finishedCount += 1;
    this.#waiting.get(promptId)?.();
    this.#waiting.delete(promptId);
  }
}
