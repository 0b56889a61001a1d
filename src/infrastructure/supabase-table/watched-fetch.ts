/** A `fetch` that remembers what PostgREST's client does not tell: it keeps only the text of an error, and takes some 404s for success. */
export class WatchedFetch {
  /** What `fetch` threw, or why it was ended. */
  failure: unknown;
  /** Of the answer as it came. */
  status = 0;

  constructor(private readonly signal: AbortSignal) {}

  readonly fetch: typeof fetch = async (input, init) => {
    try {
      const answer = await fetch(input, { ...init, redirect: 'error', signal: this.signal });
      this.status = answer.status;
      return answer;
    } catch (error) {
      this.failure = this.signal.aborted ? this.signal.reason : error;
      throw error;
    }
  };
}
