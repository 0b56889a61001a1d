const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/**
 * Every interval and time-out of the product that is not an option of its own, in milliseconds; injected by this class. Tests
 * provide shorter ones; nothing else changes them.
 */
export class Timing {
  /** Interval at which the database is read for what other processes stored, when no event reports it. */
  readonly poll: number = SECOND;
  /** Delay of the write-behind: what happens to a job in quick succession is stored together. */
  readonly writeBehind: number = 100;
  /** First and longest pause before a write is repeated that the database did not take. */
  readonly writeRetry: { readonly first: number; readonly longest: number } = { first: 200, longest: 5 * SECOND };
  /** Delay in which changes of a job are published together. */
  readonly publishTogether: number = 15;
  /** Time in which another process may claim a job before it is reported as waiting. */
  readonly claimElsewhere: number = 500;
  /** Interval at which a requested cancellation is repeated at the backend. */
  readonly repeatCancel: number = 2 * SECOND;
  /** Pause after `POST /free`: ComfyUI frees memory between prompts and does not report when. */
  readonly freeMemory: number = 300;
  readonly lease: LeaseTiming = {
    ttl: 10 * SECOND,
    certain: 7 * SECOND,
    renew: 2 * SECOND,
    release: 250,
    recheck: 100,
  };
  readonly socket: SocketTiming = {
    pingInterval: 20 * SECOND,
    pongTimeout: 10 * SECOND,
    openTimeout: 2 * SECOND,
    deafAfter: 2 * SECOND,
    firstReconnect: 250,
    longestReconnect: 10 * SECOND,
  };
  readonly prompt: PromptTiming = {
    silence: 5 * SECOND,
    firstPoll: 100,
    poll: SECOND,
    finishMark: 250,
    historyLag: 10 * SECOND,
    lookup: 10 * SECOND,
    refused: 10 * SECOND,
    unanswered: 30 * SECOND,
    idleWorker: 10 * SECOND,
  };
  readonly probe: ProbeTiming = {
    interval: 10 * SECOND,
    timeout: 5 * SECOND,
    firstRetry: 250,
    longestRetry: 2 * SECOND,
    poll: 50,
    fresh: 2 * SECOND,
    catalogFresh: 30 * SECOND,
  };
  readonly retention: RetentionTiming = { interval: MINUTE, pause: 10, lateArrival: 10 * MINUTE };
  readonly queueExpiry: number = SECOND;
  readonly outbox: OutboxTiming = {
    interval: SECOND,
    outage: { first: SECOND, longest: 5 * MINUTE },
    refusal: { first: MINUTE, longest: 24 * 60 * MINUTE },
  };
  /** Pauses between attempts to store a file, after the adapter's own retries. */
  readonly storageRetries: readonly number[] = [500, 1_500, 4_500];
  /** Bytes that are being removed are waited for: interval and longest time. */
  readonly fileRemoval: { readonly poll: number; readonly longest: number } = { poll: 200, longest: 2 * MINUTE };
  /** Interval at which an event stream without a change repeats the progress: below the usual time-out of proxies. */
  readonly eventRepeat: number = 5 * SECOND;
  /** Time to send an error to every caller that still waits at a shutdown. */
  readonly farewell: number = 100;

  constructor(overrides: Partial<Timing> = {}) {
    Object.assign(this, overrides);
  }
}

export interface LeaseTiming {
  /** Time to live of a lease after its renewal. */
  readonly ttl: number;
  /** A holder that could not renew for so long assigns no more jobs: until then the lease is its own by any clock. */
  readonly certain: number;
  readonly renew: number;
  /** Interval at which an idle backend that another process waits for is released. */
  readonly release: number;
  /** Interval at which an uncertain lease is checked again. */
  readonly recheck: number;
}

export interface SocketTiming {
  readonly pingInterval: number;
  /** Proxies may drop a connection silently: without a pong within this time the connection counts as lost. */
  readonly pongTimeout: number;
  /** Maximum wait of a submission for the socket; after that polling reports the progress. */
  readonly openTimeout: number;
  /** ComfyUI sends a `status` frame to every socket when it accepts a prompt; a socket without one for this long is deaf. */
  readonly deafAfter: number;
  readonly firstReconnect: number;
  readonly longestReconnect: number;
}

export interface PromptTiming {
  /** Without an event for so long, `/history` and `/queue` are asked. */
  readonly silence: number;
  /** First and longest interval of polling without a socket. */
  readonly firstPoll: number;
  readonly poll: number;
  /** From ComfyUI's outcome event to its mark that the history is written. */
  readonly finishMark: number;
  /** Longest delay of a history entry after the end of its run. */
  readonly historyLag: number;
  /** Time-out of one look-up. */
  readonly lookup: number;
  /** A backend that refuses connections for so long has lost its prompts: it keeps them in memory only. */
  readonly refused: number;
  /** A backend that leaves look-ups unanswered for so long is abandoned. */
  readonly unanswered: number;
  /** Prompts that wait for so long while none runs mean a dead worker. */
  readonly idleWorker: number;
}

export interface ProbeTiming {
  /** Interval at which a silent backend is probed. */
  readonly interval: number;
  readonly timeout: number;
  readonly firstRetry: number;
  readonly longestRetry: number;
  readonly poll: number;
  /** A backend that answered within this time counts as reachable. */
  readonly fresh: number;
  /** Age at which the node classes of a backend are read again before one counts as unknown. */
  readonly catalogFresh: number;
}

export interface RetentionTiming {
  readonly interval: number;
  /** Pause between two batches: other writes go first. */
  readonly pause: number;
  /** An abandoned prompt is looked for so long: a delayed request may still arrive. */
  readonly lateArrival: number;
}

export interface OutboxTiming {
  readonly interval: number;
  /** Back-off of a consumer that is unreachable. */
  readonly outage: { readonly first: number; readonly longest: number };
  /** Back-off of an entry that is refused. */
  readonly refusal: { readonly first: number; readonly longest: number };
}
