import type { FaultProxy, FaultProxyOptions, Trigger } from '../support/fault-proxy';

/** `ReadyForQuery`, outside of a transaction or within. */
const READY = /Z\0{3}.[IT]/s;
/** The statement and those that follow it immediately have run by then. */
const RUN_MS = 50;

/**
 * The next statement with this text runs; then its connection is cut before the response.
 * @param downMs for this time all connections are cut and new ones rejected
 */
export function loseResponse(proxy: FaultProxy, text: string, downMs = 0): Trigger {
  return proxy.onRequest(text, (connection) => {
    connection.dropResponses();
    setTimeout(() => {
      if (downMs === 0) return connection.cut();
      proxy.rejectFor(downMs);
      proxy.cut();
    }, RUN_MS);
  });
}

/** The next statement with this text runs; its connection returns no bytes for this time. */
export function delayResponse(proxy: FaultProxy, text: string, ms: number): Trigger {
  return proxy.onRequest(text, (connection) => connection.delayResponses(ms));
}

/** Counts the round trips of a proxy: how often a client sends statements after the responses to those before. */
export class RoundTrips implements FaultProxyOptions {
  count = 0;
  #isAnswered = true;

  readonly onRequest = (): void => {
    if (this.#isAnswered) this.count += 1;
    this.#isAnswered = false;
  };

  readonly onResponse = (bytes: Buffer): void => {
    this.#isAnswered ||= READY.test(bytes.toString('latin1'));
  };
}
