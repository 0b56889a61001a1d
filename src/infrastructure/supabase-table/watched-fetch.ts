/** A `fetch` that records errors and statuses: the PostgREST client keeps only the text of an error and treats some 404s as success. */
export class WatchedFetch {
  /** The error of `fetch`, or the reason of its abort. */
  failure: unknown;
  /** The status of the response. */
  status = 0;

  constructor(private readonly signal: AbortSignal) {}

  readonly fetch: typeof fetch = async (input, init) => {
    try {
      const response = await fetch(input, { ...init, redirect: 'error', signal: this.signal });
      this.status = response.status;
      return response;
    } catch (error) {
      this.failure = this.signal.aborted ? this.signal.reason : error;
      throw error;
    }
  };
}
