import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import { WebSocket, type RawData } from 'ws';
import type { PromptListener, PromptEvent } from '../../application/backends/comfyui-client';
import type { SocketTiming } from '../../options/timing';
import { oneLine } from '../../shared/text';
import { readBinaryFrame, readTextFrame, type WireFrame } from './wire-frames';

export interface ComfyUISocketOptions {
  readonly baseUrl: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Seconds. */
  readonly connectTimeout: number;
}

/** Preview frames may contain full-size images. */
const LARGEST_FRAME = 128 * 1024 * 1024;

/** A subscription to a prompt. Its events arrive only over a socket with the `client_id` of the submission. */
interface Subscription {
  readonly listener: PromptListener;
  readonly clientId: string;
}

/** The socket to a ComfyUI server, shared by all prompts and opened by the first subscription. */
export class ComfyUISocket {
  readonly #logger = new Logger(ComfyUISocket.name);
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #losses = new EventEmitter<{ lost: [] }>();
  #clientId: string = randomUUID();
  #socket: WebSocket | undefined;
  #opening: Promise<void> | undefined;
  #statusFrames = 0;
  #currentPromptId: string | null = null;
  #failures = 0;
  #reconnect: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly options: ComfyUISocketOptions,
    private readonly timing: SocketTiming,
  ) {}

  /** The `client_id` for new submissions, so that ComfyUI sends their events to this socket. */
  get clientId(): string {
    return this.#clientId;
  }

  /** Calls `listener` when the connection breaks or fails to open; not again while reconnecting fails. */
  onLost(listener: () => void): void {
    this.#losses.on('lost', listener);
  }

  /** Adopts the `client_id` of a previous process, to which ComfyUI sends the prompt's events, unless the own one is in use. */
  async listen(promptId: string, listener: PromptListener, submittedAs?: string | null): Promise<() => void> {
    if (submittedAs && this.#subscriptions.size === 0 && !this.#socket) this.#clientId = submittedAs;
    const subscription = { listener, clientId: submittedAs ?? this.#clientId };
    this.#subscriptions.set(promptId, subscription);
    if (!this.#isOpen) await this.#open();
    else if (subscription.clientId === this.#clientId) listener({ kind: 'connected' });
    return () => {
      if (this.#subscriptions.get(promptId)?.listener === listener) this.#subscriptions.delete(promptId);
    };
  }

  /**
   * Call this before a submission, and the returned function when ComfyUI has accepted the prompt. If no `status` frame
   * arrives in between or soon after, ComfyUI has lost the socket although it still answers pings: a socket with a new id
   * replaces it.
   */
  expectStatus(): () => void {
    const statusFrames = this.#statusFrames;
    const socket = this.#socket;
    if (!this.#isOpen) return () => undefined;
    return () => {
      if (this.#statusFrames !== statusFrames) return;
      const timer = setTimeout(() => {
        if (this.#statusFrames === statusFrames && this.#socket === socket) this.#replaceDeafSocket();
      }, this.timing.deafAfter);
      timer.unref();
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reconnect);
    this.#socket?.terminate();
  }

  get #isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Resolves when the socket is open, has failed to open, or after `openTimeout`. */
  async #open(): Promise<void> {
    if (this.#closed || this.#reconnect) return;
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.timing.openTimeout);
    });
    await Promise.race([this.#opening, timeout]);
    clearTimeout(timer);
  }

  #connect(): Promise<void> {
    const { baseUrl, credentials, connectTimeout } = this.options;
    const url = `${baseUrl.replace(/^http/, 'ws')}/ws?clientId=${this.#clientId}`;
    const auth = credentials && `${credentials.username}:${credentials.password}`;
    const handshakeTimeout = connectTimeout * 1000;
    const socket = new WebSocket(url, { auth, handshakeTimeout, perMessageDeflate: false, maxPayload: LARGEST_FRAME });
    this.#socket = socket;
    let failure = 'closed by ComfyUI';
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    socket.on('error', (error) => {
      failure = oneLine(error.message, 200);
    });
    return new Promise((resolve) => {
      socket.once('open', () => {
        this.#opened(socket);
        resolve();
      });
      socket.once('close', () => {
        this.#lost(socket, failure);
        resolve();
      });
    });
  }

  #opened(socket: WebSocket): void {
    this.#failures = 0;
    this.#logger.debug(`Socket open as ${this.#clientId}`);
    socket.send(JSON.stringify({ type: 'feature_flags', data: { supports_preview_metadata: true } }));
    keepAlive(socket, this.timing);
    this.#notifyAll({ kind: 'connected' });
  }

  #lost(socket: WebSocket, reason: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#currentPromptId = null;
    if (this.#closed) return;
    this.#notifyAll({ kind: 'disconnected' });
    this.#failures += 1;
    if (this.#failures === 1) {
      this.#logger.warn(`Socket lost: ${reason}. Polling ComfyUI until it reconnects.`);
      this.#losses.emit('lost');
    }
    if (this.#subscriptions.size === 0) this.#clientId = randomUUID();
    this.#reconnectLater();
  }

  /** Keeps the `client_id` while prompts run, because ComfyUI sends their events only to that id. */
  #reconnectLater(): void {
    const { firstReconnect, longestReconnect } = this.timing;
    const pause = Math.min(longestReconnect, firstReconnect * 2 ** (this.#failures - 1));
    this.#reconnect = setTimeout(
      () => {
        this.#reconnect = undefined;
        if (this.#subscriptions.size > 0) void this.#open();
      },
      pause * (0.5 + Math.random() / 2),
    );
    this.#reconnect.unref();
  }

  #replaceDeafSocket(): void {
    this.#logger.warn(
      'Socket receives no events: ComfyUI has lost it. Running prompts are polled, new prompts use a new socket.',
    );
    this.#notifyAll({ kind: 'disconnected' });
    this.#clientId = randomUUID();
    const deafSocket = this.#socket;
    this.#socket = undefined;
    deafSocket?.terminate();
    void this.#open();
  }

  #notifyAll(signal: PromptEvent): void {
    for (const { listener, clientId } of this.#subscriptions.values()) {
      if (clientId === this.#clientId) listener(signal);
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    const bytes = data as Buffer;
    const frame = isBinary ? readBinaryFrame(bytes) : readTextFrame(bytes.toString('utf8'));
    if (!frame) return;
    if (frame.about === 'status') this.#statusFrames += 1;
    else this.#dispatch(frame);
  }

  /** A preview without ids belongs to the prompt of the previous frame, because it follows that prompt's `progress`. */
  #dispatch({ promptId, signal }: Extract<WireFrame, { about: 'run' }>): void {
    if (promptId !== null) this.#currentPromptId = promptId;
    const owner = promptId ?? this.#currentPromptId;
    if (owner !== null) this.#subscriptions.get(owner)?.listener(signal);
  }
}

/** ComfyUI sends no pings, proxies drop connections that are idle for a minute, and a dropped one looks idle. */
function keepAlive(socket: WebSocket, { pingInterval, pongTimeout }: SocketTiming): void {
  let deadline: NodeJS.Timeout | undefined;
  const pings = setInterval(() => {
    socket.ping();
    deadline = setTimeout(() => socket.terminate(), pongTimeout);
  }, pingInterval);
  socket.on('pong', () => clearTimeout(deadline));
  socket.once('close', () => {
    clearInterval(pings);
    clearTimeout(deadline);
  });
}
