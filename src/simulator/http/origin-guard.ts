import { IncomingHttpHeaders } from 'node:http';

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[?::1\]?|localhost|.+\.localhost)$/;

const parts = (netloc: string): { hostname: string; port: string } => {
  const match = /^(.*?)(?::(\d+))?$/.exec(netloc);
  return { hostname: match?.[1] ?? '', port: match?.[2] ?? '' };
};

/**
 * ComfyUI's guard against web pages that post to a local server: `Host` and `Origin` must match if the host is a loopback
 * address. It does not affect clients without an `Origin`; a proxy that rewrites `Host` may trigger it.
 */
export function isForeignOrigin(headers: IncomingHttpHeaders, refusesCrossSite: boolean): boolean {
  if (refusesCrossSite && headers['sec-fetch-site'] === 'cross-site') return true;
  if (headers.host === undefined || headers.origin === undefined) return false;
  const originNetloc = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/.exec(headers.origin.toLowerCase())?.[1] ?? '';
  const host = parts(headers.host.toLowerCase());
  const origin = parts(originNetloc);
  if (!LOOPBACK.test(host.hostname)) return false;
  const hostSide = origin.port === '' ? host.hostname : headers.host.toLowerCase();
  const originSide = host.port === '' ? origin.hostname : originNetloc;
  return hostSide !== '' && originSide !== '' && hostSide !== originSide;
}
