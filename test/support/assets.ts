import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import type { Stack } from './stack';

/** An asset as the service tells it. */
export interface ToldAsset {
  readonly id: string;
  readonly jobId: string;
  readonly url: string;
  readonly filename: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly createdAt: string;
  readonly [field: string]: unknown;
}

export interface ToldAssets {
  readonly assets: readonly ToldAsset[];
  readonly next: string | null;
}

/** What a caller can do with the assets of a stack, in a word each. */
export function assetsOf({ url }: Stack) {
  const list = async (query = '') => (await (await fetch(`${url}/assets${query}`)).json()) as ToldAssets;
  return {
    list,
    get: (id: string, query = '', headers: Record<string, string> = {}) =>
      fetch(`${url}/assets/${id}${query}`, { headers }),
    head: (id: string, query = '', headers: Record<string, string> = {}) =>
      fetch(`${url}/assets/${id}${query}`, { method: 'HEAD', headers }),
    remove: (id: string) => fetch(`${url}/assets/${id}`, { method: 'DELETE' }),
    meta: async (id: string) => (await (await fetch(`${url}/assets/${id}/meta`)).json()) as ToldAsset,
    /** In the order in which they were made. */
    ofJob: async (jobId: string) => (await list(`?jobId=${jobId}&limit=100`)).assets.toReversed(),
  };
}

/** A caller of its own, who takes in nothing before it is asked to. */
export async function openSlowly(url: string): Promise<IncomingMessage> {
  const asking = request(url, { agent: false });
  asking.end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  return answer.pause();
}
