import { eventually } from './eventually';
import { postJson, type Stack } from './stack';

/** A job in responses of the service. */
export interface JobJson {
  readonly id: string;
  readonly status: string;
  readonly queuePosition: number | null;
  readonly outputs: readonly { readonly assetId: string; readonly url: string }[];
  readonly attempts: readonly {
    readonly number: number;
    readonly backend: string;
    readonly promptId: string;
    readonly startedAt: string | null;
  }[];
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly [field: string]: unknown;
}

export interface JobPage {
  readonly jobs: readonly JobJson[];
  readonly next: string | null;
}

/** A time in responses of the service. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A client of the jobs of a stack. */
export function jobsOf({ url }: Stack) {
  const job = async (id: string) => (await (await fetch(`${url}/jobs/${id}`)).json()) as JobJson;
  /** Waits until the job matches; rejects with its last state. */
  const when = async (id: string, matches: (current: JobJson) => boolean, ms = 25_000) => {
    let current = await job(id);
    await eventually(async () => {
      current = await job(id);
      if (!matches(current)) throw new Error(`The job is ${JSON.stringify(current)}`);
    }, ms);
    return current;
  };
  return {
    job,
    when,
    /** Starts an asynchronous job and returns its id. */
    start: async (prompt: object, fields: object = {}) => {
      const headers = { Prefer: 'respond-async' };
      const response = await postJson(`${url}/generate`, { prompt, ...fields }, { headers });
      if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
      return ((await response.json()) as JobJson).id;
    },
    list: async (query = '') => (await (await fetch(`${url}/jobs${query}`)).json()) as JobPage,
    cancel: (id: string) => fetch(`${url}/jobs/${id}/cancel`, { method: 'POST' }),
    remove: (id: string) => fetch(`${url}/jobs/${id}`, { method: 'DELETE' }),
    watch: (id: string, signal?: AbortSignal) => fetch(`${url}/jobs/${id}/events`, { signal }),
    running: (id: string) => when(id, ({ status }) => status === 'running'),
    ended: (id: string) => when(id, ({ endedAt }) => TIME.test(endedAt ?? '')),
  };
}
