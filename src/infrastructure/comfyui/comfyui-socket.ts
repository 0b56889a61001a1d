import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import { WebSocket, type RawData } from 'ws';
import type { RunListener, Signal } from '../../application/backends/comfyui-client';
import { oneLine } from '../../shared/text';
import { readBinaryFrame, readTextFrame, type WireFrame } from './wire-frames';

export interface ComfyUISocketOptions {
  readonly baseUrl: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Seconds. */
  readonly connectTimeout: number;
}

const PING_INTERVAL_MS = 20_000;
/** Proxies in front of ComfyUI cut connections without telling: no pong in time means it is gone. */
const PONG_TIMEOUT_MS = 10_000;
/** How long a submission waits for the socket: polling does without it. */
const OPEN_PATIENCE_MS = 2_000;
/** A prompt that was accepted is announced to every socket; one that hears nothing for so long is deaf. */
const DEAF_AFTER_MS = 2_000;
const RECONNECT_MS = { first: 250, longest: 10_000 };
/** Full-size pictures may come as preview frames. */
const LARGEST_FRAME = 128 * 1024 * 1024;

/** A prompt somebody listens to. It hears events only over a socket that carries the id it was submitted under. */
interface Listening {
  readonly listener: RunListener;
  readonly clientId: string;
}

/** The one socket to a ComfyUI server, shared by all prompts and opened when the first is listened to. */
export class ComfyUISocket {
  readonly #logger = new Logger(ComfyUISocket.name);
  readonly #listening = new Map<string, Listening>();
  readonly #losses = new EventEmitter<{ lost: [] }>();
  #clientId: string = randomUUID();
  #socket: WebSocket | undefined;
  #opening: Promise<void> | undefined;
  #statusFrames = 0;
  #currentPromptId: string | null = null;
  #failures = 0;
  #reconnect: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(private readonly options: ComfyUISocketOptions) {}

  /** The id under which prompts are submitted now, so that their events come here. */
  get clientId(): string {
    return this.#clientId;
  }

  /** Calls `hear` each time it breaks off, or does not open; not again for tries that fail, too. */
  onLost(hear: () => void): void {
    this.#losses.on('lost', hear);
  }

  /** Events of a prompt go to the id it was submitted under: the id of the process before is taken up, unless ours is in use. */
  async listen(promptId: string, listener: RunListener, submittedAs?: string | null): Promise<() => void> {
    if (submittedAs && this.#listening.size === 0 && !this.#socket) this.#clientId = submittedAs;
    const listening = { listener, clientId: submittedAs ?? this.#clientId };
    this.#listening.set(promptId, listening);
    if (!this.#isOpen) await this.#open();
    else if (listening.clientId === this.#clientId) listener({ kind: 'connected' });
    return () => {
      if (this.#listening.get(promptId)?.listener === listener) this.#listening.delete(promptId);
    };
  }

  /**
   * Call before a prompt is sent; the returned function when it was accepted. If no `status` frame comes in between
   * or soon after, the server has lost this socket, though it still answers pings: a new id is taken.
   */
  expectStatus(): () => void {
    const seen = this.#statusFrames;
    const socket = this.#socket;
    if (!this.#isOpen) return () => undefined;
    return () => {
      if (this.#statusFrames !== seen) return;
      const timer = setTimeout(() => {
        if (this.#statusFrames === seen && this.#socket === socket) this.#replaceDeafSocket();
      }, DEAF_AFTER_MS);
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

  /** Resolves when the socket is open, failed to open or takes too long. */
  async #open(): Promise<void> {
    if (this.#closed || this.#reconnect) return;
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, OPEN_PATIENCE_MS);
    });
    await Promise.race([this.#opening, patience]);
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
    keepAlive(socket);
    this.#tellAll({ kind: 'connected' });
  }

  #lost(socket: WebSocket, reason: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#currentPromptId = null;
    if (this.#closed) return;
    this.#tellAll({ kind: 'disconnected' });
    this.#failures += 1;
    if (this.#failures === 1) {
      this.#logger.warn(`Socket lost: ${reason}. ComfyUI is polled until it is back.`);
      this.#losses.emit('lost');
    }
    if (this.#listening.size === 0) this.#clientId = randomUUID();
    this.#reconnectLater();
  }

  /** Events of prompts that run now come only to the id they were submitted under, so it is kept while there are any. */
  #reconnectLater(): void {
    const pause = Math.min(RECONNECT_MS.longest, RECONNECT_MS.first * 2 ** (this.#failures - 1));
    this.#reconnect = setTimeout(
      () => {
        this.#reconnect = undefined;
        if (this.#listening.size > 0) void this.#open();
      },
      pause * (0.5 + Math.random() / 2),
    );
    this.#reconnect.unref();
  }

  #replaceDeafSocket(): void {
    this.#logger.warn(
      'Socket hears nothing: ComfyUI has lost it. Prompts under way are polled, new ones get a new socket.',
    );
    this.#tellAll({ kind: 'disconnected' });
    this.#clientId = randomUUID();
    const deaf = this.#socket;
    this.#socket = undefined;
    deaf?.terminate();
    void this.#open();
  }

  #tellAll(signal: Signal): void {
    for (const { listener, clientId } of this.#listening.values()) {
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

  /** Previews without ids belong to the prompt that was spoken of last: they follow its `progress`. */
  #dispatch({ promptId, signal }: Extract<WireFrame, { about: 'run' }>): void {
    if (promptId !== null) this.#currentPromptId = promptId;
    const owner = promptId ?? this.#currentPromptId;
    if (owner !== null) this.#listening.get(owner)?.listener(signal);
  }
}

/** ComfyUI never pings; proxies cut what is idle for a minute, and a cut connection looks like a quiet one. */
function keepAlive(socket: WebSocket): void {
  let deadline: NodeJS.Timeout | undefined;
  const pings = setInterval(() => {
    socket.ping();
    deadline = setTimeout(() => socket.terminate(), PONG_TIMEOUT_MS);
  }, PING_INTERVAL_MS);
  socket.on('pong', () => clearTimeout(deadline));
  socket.once('close', () => {
    clearInterval(pings);
    clearTimeout(deadline);
  });
}
