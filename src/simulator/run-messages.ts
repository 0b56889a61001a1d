import { previewFrame, previewWithMetadataFrame, textFrame } from './frames';
import { HistoryStatus } from './history';
import { SocketHub } from './socket-hub';

/**
 * Sends the messages of a run to the same clients as ComfyUI. Without a client id some messages are broadcast and some not
 * sent. Start, cached and the last message are also kept for the history.
 */
export class RunMessages {
  readonly recorded: HistoryStatus['messages'] = [];

  constructor(
    private readonly hub: SocketHub,
    private readonly promptId: string,
    /** The submitted value; null or undefined if the prompt has no client. */
    private readonly clientId: unknown,
  ) {}

  get hasClient(): boolean {
    return this.clientId !== undefined && this.clientId !== null;
  }

  /** Sends a message with a time stamp and keeps it for the history. */
  record(type: string, data: Record<string, unknown>, options: { broadcast: boolean } = { broadcast: false }): void {
    const stamped = { ...data, timestamp: Date.now() };
    this.recorded.push([type, stamped]);
    if (this.hasClient || options.broadcast) this.toAll(type, stamped);
  }

  toClient(type: string, data: Record<string, unknown>): void {
    if (this.hasClient) this.toAll(type, data);
  }

  /** Sends to the client; without one to all sockets. */
  toAll(type: string, data: Record<string, unknown>): void {
    this.hub.send(type, data, this.hasClient ? this.clientId : undefined, this.promptId);
  }

  /** ComfyUI's order: a preview with ids is sent before `progress`, one without ids after it. */
  progress(nodeId: string, value: number, max: number, preview: Buffer | undefined): void {
    const withIds = preview !== undefined && this.hub.wantsPreviewMetadata(this.clientId);
    if (withIds) this.#binary(previewWithMetadataFrame(preview, { nodeId, promptId: this.promptId }));
    this.toAll('progress', { value, max, prompt_id: this.promptId, node: nodeId });
    if (preview !== undefined && !withIds) this.#binary(previewFrame(preview));
  }

  /** ComfyUI broadcasts these to all sockets. */
  text(nodeId: string, text: string): void {
    this.hub.sendBinary(textFrame(nodeId, text), undefined, this.promptId);
  }

  #binary(frame: Buffer): void {
    this.hub.sendBinary(frame, this.hasClient ? this.clientId : undefined, this.promptId);
  }
}
