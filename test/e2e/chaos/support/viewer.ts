import { setTimeout } from 'node:timers/promises';
import { type ServerSentEvent, serverSentEvents } from '../../../support/sse';
import type { Front } from './front';

const COME_BACK_MS = 200;
const PATIENCE_MS = 120_000;

/** Reads the event stream of a job until its end and reconnects, as a browser does. */
export class Viewer {
  readonly events: ServerSentEvent[] = [];
  readonly findings: string[] = [];
  connections = 0;

  constructor(
    private readonly front: Front,
    readonly jobId: string,
  ) {}

  /** Resolves with the last event, undefined after the time. */
  async end(): Promise<ServerSentEvent | undefined> {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      await this.#look(AbortSignal.timeout(deadline - Date.now())).catch(() => undefined);
      const last = this.events.at(-1);
      if (last?.event === 'end') return last;
      await setTimeout(COME_BACK_MS);
    }
    this.findings.push(`a viewer of ${this.jobId} did not receive its end`);
    return undefined;
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.connections += 1;
    const response = await fetch(`${this.front.url}/jobs/${this.jobId}/events`, { signal });
    let revision = -1;
    for await (const event of serverSentEvents(response)) {
      if (event.id !== undefined && Number(event.id) < revision)
        this.findings.push(`a viewer of ${this.jobId} received ${event.id} after ${revision}`);
      revision = Number(event.id ?? revision);
      this.events.push(event);
    }
  }
}
