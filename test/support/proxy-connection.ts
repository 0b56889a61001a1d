import type { Socket } from 'node:net';

/** A connection of a client and the one that the proxy opened for it. */
export class ProxyConnection {
  /** The first bytes of the client. */
  opening: Buffer | undefined;
  #dropsResponses = false;

  constructor(
    readonly client: Socket,
    readonly server: Socket,
  ) {
    server.on('error', () => undefined);
    for (const [one, other] of [[client, server] as const, [server, client] as const]) {
      one.on('end', () => other.end());
      one.on('close', () => other.destroy());
    }
  }

  respond(bytes: Buffer): void {
    if (!this.#dropsResponses && this.client.writable) this.client.write(bytes);
  }

  dropResponses(): void {
    this.#dropsResponses = true;
  }

  delayResponses(ms: number): void {
    this.server.pause();
    setTimeout(() => this.server.resume(), ms);
  }

  hold(): void {
    this.client.pause();
    this.server.pause();
  }

  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }
}
