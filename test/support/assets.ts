import { type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import type { Stack } from './stack';

/** An asset in responses of the service. */
export interface AssetJson {
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

export interface AssetPage {
  readonly assets: readonly AssetJson[];
  readonly next: string | null;
}

/** A client of the assets of a stack. */
export function assetsOf({ url }: Stack) {
  const list = async (query = '') => (await (await fetch(`${url}/assets${query}`)).json()) as AssetPage;
  return {
    list,
    get: (id: string, query = '', headers: Record<string, string> = {}) =>
      fetch(`${url}/assets/${id}${query}`, { headers }),
    head: (id: string, query = '', headers: Record<string, string> = {}) =>
      fetch(`${url}/assets/${id}${query}`, { method: 'HEAD', headers }),
    remove: (id: string) => fetch(`${url}/assets/${id}`, { method: 'DELETE' }),
    meta: async (id: string) => (await (await fetch(`${url}/assets/${id}/meta`)).json()) as AssetJson,
    /** In the order of their creation. */
    ofJob: async (jobId: string) => (await list(`?jobId=${jobId}&limit=100`)).assets.toReversed(),
  };
}

/** A request of its own whose response is not read until the caller reads it. */
export async function openPaused(url: string): Promise<IncomingMessage> {
  const outgoing = request(url, { agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response.pause();
}
