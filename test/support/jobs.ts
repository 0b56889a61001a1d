import { eventually } from './eventually';
import { postJson, type Stack } from './stack';

/** A job as the service tells it. */
export interface ToldJob {
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

export interface ToldJobs {
  readonly jobs: readonly ToldJob[];
  readonly next: string | null;
}

/** A point in time as the service tells it. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What a caller can do with the jobs of a stack, in a word each. */
export function jobsOf({ url }: Stack) {
  const job = async (id: string) => (await (await fetch(`${url}/jobs/${id}`)).json()) as ToldJob;
  /** Waits until the job is as wanted; fails with what it is. */
  const when = async (id: string, isWanted: (told: ToldJob) => boolean, ms = 25_000) => {
    let told = await job(id);
    await eventually(async () => {
      told = await job(id);
      if (!isWanted(told)) throw new Error(`The job is ${JSON.stringify(told)}`);
    }, ms);
    return told;
  };
  return {
    job,
    when,
    /** Starts one that nobody waits for, and returns its id. */
    start: async (prompt: object, fields: object = {}) => {
      const headers = { Prefer: 'respond-async' };
      const response = await postJson(`${url}/generate`, { prompt, ...fields }, { headers });
      if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
      return ((await response.json()) as ToldJob).id;
    },
    list: async (query = '') => (await (await fetch(`${url}/jobs${query}`)).json()) as ToldJobs,
    cancel: (id: string) => fetch(`${url}/jobs/${id}/cancel`, { method: 'POST' }),
    remove: (id: string) => fetch(`${url}/jobs/${id}`, { method: 'DELETE' }),
    watch: (id: string, signal?: AbortSignal) => fetch(`${url}/jobs/${id}/events`, { signal }),
    running: (id: string) => when(id, ({ status }) => status === 'running'),
    ended: (id: string) => when(id, ({ endedAt }) => TIME.test(endedAt ?? '')),
  };
}
