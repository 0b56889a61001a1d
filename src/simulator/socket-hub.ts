import { randomUUID } from 'node:crypto';
import { RawData, WebSocket } from 'ws';
import { Faults, Occasion } from './faults';
import { IdleCut } from './idle-cut';
import { dumpJson, tryParseJson } from './python-json';
import { isObject, Json } from './wire';

/** The state of the server that sockets report. */
export interface HubView {
  queueRemaining(): number;
  /** The running node of this client; undefined if there is none. */
  runningNode(clientId: string): string | undefined;
  features(): Record<string, unknown>;
}

/** Called after a message, for faults such as a restart. */
export type MomentListener = (occasion: Occasion) => void;

/**
 * The open sockets by client id, with ComfyUI's flaw: a second socket with the same id replaces the first, and when either
 * closes the id is removed, so that the other one receives nothing any more.
 */
export class SocketHub {
  readonly #sockets = new Map<string, WebSocket>();
  readonly #flags = new Map<string, unknown>();
  readonly #open = new Set<WebSocket>();
  readonly #stopListening: () => void;
  readonly #idleCut: IdleCut;

  constructor(
    private readonly view: HubView,
    private readonly faults: Faults,
    private readonly onMoment: MomentListener,
  ) {
    this.#idleCut = new IdleCut(this.#open, faults);
    this.#stopListening = faults.onArm((armed) => {
      if (armed.fault.kind !== 'deaf-socket' || armed.fault.after !== undefined) return;
      armed.strike();
      this.#deafen(armed.fault.clientId, armed.fault.halfOpen);
    });
  }

  get size(): number {
    return this.#open.size;
  }

  connect(socket: WebSocket, requestedId: string): void {
    const id = requestedId === '' ? randomUUID().replaceAll('-', '') : requestedId;
    this.#open.add(socket);
    this.#sockets.set(id, socket);
    this.#flags.set(id, {});
    this.#idleCut.touch(socket);
    socket.on('ping', () => this.#idleCut.touch(socket));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#forget(socket, id));
    this.#sendTo(socket, 'status', { ...this.statusData(), sid: id }, { clientId: id });
    const node = this.view.runningNode(id);
    if (node !== undefined) this.#sendTo(socket, 'executing', { node }, { clientId: id });
    this.#listen(socket, id);
  }

  /** Flags are stored by id, so that a replaced socket's flags may still change its successor's. */
  wantsPreviewMetadata(clientId: unknown): boolean {
    const flags = typeof clientId === 'string' ? this.#flags.get(clientId) : undefined;
    return isObject(flags) && flags['supports_preview_metadata'] === true;
  }

  /** Sends to one client, or with `undefined` to all. A disconnected client never receives the message. */
  send(type: string, data: unknown, clientId: unknown, promptId?: string): void {
    let text: string | undefined;
    this.#deliver(type, clientId, promptId, (socket) => socket.send((text ??= dumpJson({ type, data }))));
  }

  sendBinary(frame: Buffer, clientId: unknown, promptId?: string): void {
    this.#deliver('binary', clientId, promptId, (socket) => socket.send(frame));
  }

  broadcastStatus(): void {
    if (this.#sockets.size > 0) this.send('status', this.statusData(), undefined);
  }

  statusData(): { status: Json } {
    return { status: { exec_info: { queue_remaining: this.view.queueRemaining() } } };
  }

  /** Ends all connections without a close frame, as the end of the process does. */
  terminateAll(): void {
    this.#stopListening();
    this.#idleCut.stop();
    for (const socket of this.#open) socket.terminate();
    this.#sockets.clear();
  }

  #deliver(type: string, clientId: unknown, promptId: string | undefined, write: (socket: WebSocket) => void): void {
    const targets = clientId === undefined ? [...this.#sockets] : this.#target(clientId);
    for (const [id, socket] of targets) this.#transmit(socket, { type, moment: type, clientId: id, promptId }, write);
    this.onMoment({ moment: type, promptId });
  }

  #target(clientId: unknown): [string, WebSocket][] {
    const socket = typeof clientId === 'string' ? this.#sockets.get(clientId) : undefined;
    return socket === undefined ? [] : [[String(clientId), socket]];
  }

  #sendTo(socket: WebSocket, type: string, data: unknown, occasion: Occasion): void {
    this.#transmit(socket, { ...occasion, type, moment: type }, () => socket.send(dumpJson({ type, data })));
  }

  #transmit(socket: WebSocket, occasion: Occasion, write: (socket: WebSocket) => void): void {
    if (this.faults.take('lose-event', occasion) !== undefined) return;
    if (socket.readyState === WebSocket.OPEN) write(socket);
    this.#idleCut.touch(socket);
    const drop = this.faults.take('drop-socket', occasion);
    if (drop?.code !== undefined) socket.close(drop.code);
    else if (drop !== undefined) socket.terminate();
    const deaf = this.faults.find('deaf-socket', occasion);
    if (deaf?.fault.after !== undefined && occasion.clientId !== undefined) {
      deaf.strike();
      this.#deafen(occasion.clientId, deaf.fault.halfOpen);
    }
  }

  #deafen(clientId: string | undefined, halfOpen = false): void {
    for (const [id, socket] of clientId === undefined ? [...this.#sockets] : this.#target(clientId)) {
      this.#sockets.delete(id);
      if (halfOpen) socket.pause();
    }
  }

  #forget(socket: WebSocket, id: string): void {
    this.#open.delete(socket);
    this.#sockets.delete(id);
    this.#flags.delete(id);
  }

  /** Only the first message counts, and only if it contains feature flags; text that is not JSON does not count. */
  #listen(socket: WebSocket, id: string): void {
    let first = true;
    socket.on('message', (data, isBinary) => {
      if (isBinary || !first) return;
      const message = tryParseJson(textOf(data));
      if (message === undefined) return;
      first = false;
      if (!isObject(message) || message['type'] !== 'feature_flags') return;
      this.#flags.set(id, message['data'] ?? {});
      const current = this.#sockets.get(id);
      if (current !== undefined) this.#sendTo(current, 'feature_flags', this.view.features(), { clientId: id });
    });
  }
}

/** A text message is one buffer: `ws` passes fragments only with another setting. */
const textOf = (data: RawData): string => (Buffer.isBuffer(data) ? data.toString() : '');
