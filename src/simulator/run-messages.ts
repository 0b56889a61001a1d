import { previewFrame, previewWithMetadataFrame, textFrame } from './frames';
import { HistoryStatus } from './history';
import { SocketHub } from './socket-hub';

/**
 * Sends the messages of one run to whom ComfyUI sends them. Without a client id some messages go to everybody, some
 * to nobody. Start, cached and the last message are also kept for the history.
 */
export class RunMessages {
  readonly recorded: HistoryStatus['messages'] = [];

  constructor(
    private readonly hub: SocketHub,
    private readonly promptId: string,
    /** As submitted; null or undefined: the prompt has no client. */
    private readonly clientId: unknown,
  ) {}

  get hasClient(): boolean {
    return this.clientId !== undefined && this.clientId !== null;
  }

  /** Kept for the history, and sent with a time stamp. */
  record(type: string, data: Record<string, unknown>, options: { broadcast: boolean } = { broadcast: false }): void {
    const stamped = { ...data, timestamp: Date.now() };
    this.recorded.push([type, stamped]);
    if (this.hasClient || options.broadcast) this.toAll(type, stamped);
  }

  toClient(type: string, data: Record<string, unknown>): void {
    if (this.hasClient) this.toAll(type, data);
  }

  /** To the client if there is one, else to everybody. */
  toAll(type: string, data: Record<string, unknown>): void {
    this.hub.send(type, data, this.hasClient ? this.clientId : undefined, this.promptId);
  }

  /** ComfyUI's order: a preview with ids comes before `progress`, one without comes after it. */
  progress(nodeId: string, value: number, max: number, preview: Buffer | undefined): void {
    const withIds = preview !== undefined && this.hub.wantsPreviewMetadata(this.clientId);
    if (withIds) this.#binary(previewWithMetadataFrame(preview, { nodeId, promptId: this.promptId }));
    this.toAll('progress', { value, max, prompt_id: this.promptId, node: nodeId });
    if (preview !== undefined && !withIds) this.#binary(previewFrame(preview));
  }

  /** ComfyUI sends these to everybody, whoever submitted the prompt. */
  text(nodeId: string, text: string): void {
    this.hub.sendBinary(textFrame(nodeId, text), undefined, this.promptId);
  }

  #binary(frame: Buffer): void {
    this.hub.sendBinary(frame, this.hasClient ? this.clientId : undefined, this.promptId);
  }
}
